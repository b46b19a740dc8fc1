/**
 * What surrounds the tracks: keyboard, chapters, search, link to a moment, typed keys, help.
 */

import { press, step } from './keys';
import type { Actions, Keyboard } from './keys';
import { countUntil } from './model/cursor';
import type { Recording } from './model/recording';
import type { Step } from './model/steps';
import type { Transport } from './model/transport';
import { Announcer } from './views/announcer';
import { ChaptersPanel } from './views/chapters-panel';
import type { Controls } from './views/controls';
import { clockText } from './views/dom';
import { Drawer } from './views/drawer';
import { Help } from './views/help';
import { Highlighter } from './views/highlight';
import { KeystrokesView } from './views/keystrokes-view';
import { copy, momentLine } from './views/moment';
import type { Panes } from './views/panes';
import { SearchPanel } from './views/search-panel';
import { Tools } from './views/tools';

export class Desk implements Actions {
  /** Tells a host that the reader asked for a link to a moment; null where there is none. */
  onMoment: ((t: number) => void) | null = null;
  readonly tools = new Tools(this);
  readonly drawer = new Drawer(() => this.show());
  readonly announcer = new Announcer();
  readonly sheet = new Help();
  readonly keys: KeystrokesView;
  private readonly chaptersPanel: ChaptersPanel;
  private readonly searchPanel: SearchPanel;
  private readonly keyboard: Keyboard;

  constructor(
    private readonly recording: Recording,
    private readonly transport: Transport,
    private readonly controls: Controls,
    panes: Panes
  ) {
    this.keys = new KeystrokesView(recording);
    this.chaptersPanel = new ChaptersPanel(recording, transport);
    this.searchPanel = new SearchPanel(recording, transport, new Highlighter(panes.element), track => panes.reveal(track));
    this.keyboard = { transport, recording, actions: this };
    document.addEventListener('keydown', event => this.onKey(event));
  }

  show(): void {
    const { open } = this.drawer;
    if (open === this.chaptersPanel) {
      this.chaptersPanel.show();
    }
    this.keys.show(this.transport.currentTime);
    this.tools.show({
      chapters: open === this.chaptersPanel,
      search: open === this.searchPanel,
      keystrokes: this.keys.any ? this.keys.on : null,
      link: this.onMoment !== null || momentLine(this.recording.name, 0) !== null
    });
  }

  step(kind: Step, direction: 1 | -1): void {
    step(this.keyboard, kind, direction);
    this.sayWhere();
  }

  stepSpeed(direction: 1 | -1): void {
    this.controls.stepSpeed(direction);
    this.announcer.say(`Speed ${this.transport.speed}`);
  }

  toggleIdle(): void {
    this.controls.toggleIdle();
    this.announcer.say(this.transport.idle === null ? 'Idle time plays at its length' : 'Idle time is skipped');
  }

  chapters(): void {
    this.drawer.toggle(this.chaptersPanel);
  }

  search(): void {
    this.drawer.show(this.searchPanel);
  }

  nextHit(direction: 1 | -1): void {
    if (this.drawer.open === this.searchPanel) {
      this.searchPanel.step(direction);
    }
  }

  link(): void {
    const t = this.transport.currentTime;
    const line = momentLine(this.recording.name, t);
    this.onMoment?.(t);
    if (line !== null) {
      this.announcer.toast(copy(line) ? `Copied: ${line}` : line);
    }
  }

  keystrokes(): void {
    this.keys.on = !this.keys.on;
    this.show();
    this.announcer.say(this.keys.on ? 'Typed keys are shown' : 'Typed keys are hidden');
  }

  help(): void {
    this.sheet.open();
  }

  private sayWhere(): void {
    const { currentTime } = this.transport;
    const chapter = this.recording.chapters[countUntil(this.recording.chapters, currentTime) - 1];
    this.announcer.say(chapter === undefined ? clockText(currentTime) : `${clockText(currentTime)}, ${chapter.label}`);
  }

  private onKey(event: KeyboardEvent): void {
    if (this.sheet.element.open || event.defaultPrevented) {
      return;
    }
    if (this.isFind(event)) {
      event.preventDefault();
      this.search();
      return;
    }
    if (event.key === 'Escape' && this.drawer.open !== null) {
      event.preventDefault();
      this.drawer.close();
      return;
    }
    if (!event.ctrlKey && !event.metaKey && !event.altKey && !this.ownsKey(event) && press(event.key, this.keyboard)) {
      event.preventDefault();
      this.sayWhereAfter(event.key);
    }
  }

  /** A second Ctrl+F is the browser's own. */
  private isFind({ key, ctrlKey, metaKey, target }: KeyboardEvent): boolean {
    return (ctrlKey || metaKey) && key.toLowerCase() === 'f' && !(target instanceof HTMLInputElement);
  }

  /** What has the focus uses the key itself. */
  private ownsKey({ key, target }: KeyboardEvent): boolean {
    const element = target instanceof Element ? target : null;
    return element?.closest('input, select') != null || (element?.closest('button') != null && /^(?: |Enter|Arrow.*|Home|End)$/.test(key));
  }

  private sayWhereAfter(key: string): void {
    if (/^(?:[,.[\]cCtTmM0-9]|Arrow.*|Home|End)$/.test(key)) {
      this.sayWhere();
    }
  }
}
