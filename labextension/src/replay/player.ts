/**
 * Puts a recording on the page: header, tracks, controls, and one transport that drives them.
 */

import type { Chapter } from './model/chapters';
import { countUntil } from './model/cursor';
import type { Recording } from './model/recording';
import type { Track } from './model/tracks';
import { Transport } from './model/transport';
import { press } from './keys';
import { CellsView } from './views/cells-view';
import { ChatView } from './views/chat-view';
import { Controls, DEFAULT_IDLE_S } from './views/controls';
import { h, icon } from './views/dom';
import { headerOf } from './views/header';
import { Panes } from './views/panes';
import { TerminalView } from './views/terminal-view';
import type { View } from './views/view';

export interface PlayerOptions {
  readonly speed?: number;
  /** Seconds; null plays every stretch at its length. */
  readonly idle?: number | null;
  /** Seconds into the recording. */
  readonly start?: number;
}

export class Player {
  private readonly transport: Transport;
  private readonly controls: Controls;
  private readonly panes: Panes;
  private readonly now = h('span', { class: 'now' });
  private readonly poster = h('button', { class: 'poster', type: 'button', 'aria-label': 'Play the recording' });
  /** Not begun: the end is shown, so that a glance tells what there is. */
  private waiting: boolean;

  constructor(
    private readonly root: HTMLElement,
    private readonly recording: Recording,
    options: PlayerOptions
  ) {
    const idle = options.idle ?? null;
    this.transport = new Transport({ ...recording, speed: options.speed ?? 1, idle });
    this.transport.seek(options.start ?? 0);
    this.waiting = true;
    this.controls = new Controls(recording, this.transport, idle ?? DEFAULT_IDLE_S);
    this.panes = new Panes(recording.tracks.map(track => ({ track, view: viewOf(track, recording) })));
    this.build();
    this.transport.subscribe(() => this.update());
    document.addEventListener('keydown', event => this.onKey(event));
    new ResizeObserver(() => this.panes.fit()).observe(this.panes.element);
    this.show();
  }

  private build(): void {
    this.poster.append(h('span', { class: 'disc' }, icon('M4 2.5v11l9.5-5.5z')));
    this.poster.addEventListener('click', () => this.transport.play());
    this.panes.stage.append(this.poster);
    this.root.classList.add('player');
    this.root.setAttribute('role', 'region');
    this.root.setAttribute('aria-label', `Replay of ${this.recording.title}`);
    this.root.replaceChildren(headerOf(this.recording, this.now), this.panes.element, this.controls.element);
  }

  private update(): void {
    if (this.waiting) {
      this.waiting = false;
      this.poster.remove();
    }
    this.show();
  }

  private show(): void {
    const { currentTime, duration } = this.transport;
    const preview = this.waiting && currentTime === 0;
    this.root.classList.toggle('preview', preview);
    this.panes.show(preview ? duration : currentTime);
    const chapter = this.chapterAt(currentTime);
    this.now.textContent = chapter?.label ?? '';
    this.now.dataset.kind = chapter?.kind ?? '';
    this.controls.show(chapter);
  }

  private chapterAt(t: number): Chapter | undefined {
    return this.recording.chapters[countUntil(this.recording.chapters, t) - 1];
  }

  private onKey(event: KeyboardEvent): void {
    const target = event.target instanceof Element ? event.target : null;
    const own = target?.closest('button, select') !== null && /^(?: |Enter|Arrow.*|Home|End)$/.test(event.key);
    if (own || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const keyboard = {
      transport: this.transport,
      chapters: this.recording.chapters,
      stepSpeed: (direction: 1 | -1) => this.controls.stepSpeed(direction)
    };
    if (press(event.key, keyboard)) {
      event.preventDefault();
    }
  }
}

function viewOf({ kind, id }: Track, recording: Recording): View {
  switch (kind) {
    case 'cells':
      return new CellsView(recording);
    case 'chat':
      return new ChatView(recording);
    case 'terminal':
      return new TerminalView(recording.terminals.find(({ track }) => id === `terminal:${track}`)!);
  }
}
