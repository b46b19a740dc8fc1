/**
 * The list of chapters, with the one marked in which playback stands.
 */

import type { Chapter } from '../model/chapters';
import { countUntil } from '../model/cursor';
import type { Recording } from '../model/recording';
import type { Transport } from '../model/transport';
import { h } from './dom';
import type { Panel } from './drawer';
import { MomentList } from './list';

// What nobody reads through would only cost time to lay out.
const MOST = 5000;

export class ChaptersPanel implements Panel {
  readonly title = 'Chapters';
  readonly element = h('div', { class: 'panel' });
  private readonly list: MomentList<Chapter>;
  private filled = -1;

  constructor(
    private readonly recording: Recording,
    private readonly transport: Transport
  ) {
    this.list = new MomentList('Chapters', ({ t }) => transport.seek(t));
    this.element.append(h('p', { class: 'notice' }), this.list.element);
  }

  focus(): void {
    this.show();
    this.list.focus();
  }

  show(): void {
    const { chapters } = this.recording;
    if (this.filled !== chapters.length) {
      this.filled = chapters.length;
      this.list.fill(chapters.slice(0, MOST));
      const [notice] = this.element.children;
      notice!.textContent = chapters.length === 0 ? 'No cell, command or marker was recorded.' : `The first ${MOST} are listed.`;
      (notice as HTMLElement).hidden = chapters.length > 0 && chapters.length <= MOST;
    }
    this.list.show(countUntil(chapters, this.transport.currentTime) - 1);
  }
}
