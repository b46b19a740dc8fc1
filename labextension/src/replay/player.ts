/**
 * Puts a recording on the page: header, tracks, controls, and one transport that drives them.
 */

import { Desk } from './desk';
import type { Chapter } from './model/chapters';
import { LargeTerminal } from './model/large-terminal';
import { countUntil } from './model/cursor';
import type { GrowingRecording, Recording } from './model/recording';
import type { Terminal } from './model/terminals';
import type { Track } from './model/tracks';
import { Transport } from './model/transport';
import { Preparation } from './preparation';
import { CellsView } from './views/cells-view';
import { ChatView } from './views/chat-view';
import { Controls, DEFAULT_IDLE_S } from './views/controls';
import { h, icon } from './views/dom';
import { headerOf } from './views/header';
import { Panes } from './views/panes';
import type { Shown } from './views/panes';
import { Stepper } from './views/stepper';
import { TerminalView } from './views/terminal-view';
import type { View } from './views/view';

export interface PlayerOptions {
  readonly speed?: number;
  /** Seconds; null plays every stretch at its length. */
  readonly idle?: number | null;
  /** Seconds into the recording. */
  readonly start?: number;
}

// What grows is drawn again a few times a second, however much comes.
const GROWTH_EVERY_MS = 50;

export class Player {
  readonly transport: Transport;
  readonly desk: Desk;
  private readonly controls: Controls;
  private readonly stepper: Stepper;
  private readonly panes: Panes;
  private readonly now = h('span', { class: 'now' });
  private readonly poster = h('button', { class: 'poster', type: 'button', 'aria-label': 'Play the recording' });
  private header: HTMLElement;
  private readonly shown = new Map<string, View>();
  private readonly notice = h('p', { class: 'notice banner', role: 'status', hidden: '' });
  private timer: number | undefined;
  /** Where to begin, until the recording reaches that far and as long as the reader has gone nowhere. */
  private start: number | null;
  private growing = false;
  /** Not begun: the end is shown, so that a glance tells what there is. */
  private waiting: boolean;

  constructor(
    private readonly root: HTMLElement,
    readonly recording: GrowingRecording,
    options: PlayerOptions
  ) {
    const idle = options.idle ?? null;
    const { duration, activity, live, reading } = recording;
    this.transport = new Transport({ duration, activity, live, reading, speed: options.speed ?? 1, idle });
    this.waiting = !live;
    this.start = options.start ?? 0;
    if (live && this.start === 0) {
      this.start = null;
      this.transport.follow();
    } else {
      this.begin();
    }
    this.stepper = new Stepper(recording, (kind, direction) => this.desk.step(kind, direction));
    this.controls = new Controls(recording, this.transport, idle ?? DEFAULT_IDLE_S, this.stepper.element);
    this.panes = new Panes();
    this.desk = new Desk(recording, this.transport, this.controls, this.panes);
    this.header = headerOf(recording, this.now);
    this.build();
    this.transport.subscribe(() => this.update());
    recording.subscribe(() => (this.timer ??= window.setTimeout(() => this.grow(), GROWTH_EVERY_MS)));
    new ResizeObserver(() => this.panes.fit()).observe(this.panes.element);
    this.show();
  }

  private build(): void {
    this.poster.append(h('span', { class: 'disc' }, icon('M4 2.5v11l9.5-5.5z')));
    this.poster.addEventListener('click', () => this.transport.play());
    this.panes.update(this.tracks());
    if (this.waiting) {
      this.panes.stage.append(this.poster);
    }
    this.root.classList.add('player');
    this.root.setAttribute('role', 'region');
    this.root.setAttribute('aria-label', `Replay of ${this.recording.title}`);
    const { tools, drawer, announcer, sheet, keys } = this.desk;
    this.panes.element.append(keys.element);
    const top = h('div', { class: 'top' }, this.header, tools.element);
    const middle = h('div', { class: 'middle' }, this.panes.element, drawer.element, announcer.element);
    this.root.replaceChildren(top, this.notice, middle, this.controls.element, sheet.element);
  }

  private tracks(): Shown[] {
    return this.recording.tracks.map(track => {
      const view = this.shown.get(track.id) ?? viewOf(track, this.recording);
      this.shown.set(track.id, view);
      return { track, view };
    });
  }

  /** Shows at once what has come. */
  settle(): void {
    if (this.timer !== undefined) {
      window.clearTimeout(this.timer);
      this.grow();
    }
  }

  /** The recording has changed: more of it, another name, its end. */
  private grow(): void {
    this.timer = undefined;
    const header = headerOf(this.recording, this.now);
    this.header.replaceWith(header);
    this.header = header;
    this.panes.update(this.tracks());
    this.controls.grow();
    this.stepper.grow();
    this.growing = true;
    const { duration, live, known, reading } = this.recording;
    this.transport.extend(duration, live, known, reading);
    this.begin();
    this.growing = false;
  }

  private begin(): void {
    if (this.start !== null && this.start <= this.recording.duration) {
      const start = this.start;
      this.start = null;
      this.transport.seek(start);
    }
  }

  /** One line for the reader, such as a lost connection; empty takes it away. */
  tell(text: string): void {
    this.notice.textContent = text;
    this.notice.hidden = text === '';
  }

  private update(): void {
    if (!this.growing) {
      this.start = null;
    }
    if (this.waiting && !this.growing) {
      this.waiting = false;
      if (document.activeElement === this.poster) {
        this.controls.focus();
      }
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
    this.desk.show();
    // What comes while it plays is read out; a jump would read the whole page.
    this.panes.element.querySelectorAll('[role=log]').forEach(log => log.setAttribute('aria-live', this.transport.playing ? 'polite' : 'off'));
  }

  private chapterAt(t: number): Chapter | undefined {
    return this.recording.chapters[countUntil(this.recording.chapters, t) - 1];
  }
}

function viewOf({ kind, id }: Track, recording: Recording): View {
  switch (kind) {
    case 'cells':
      return new CellsView(recording);
    case 'chat':
      return new ChatView(recording);
    case 'terminal':
      return terminalView(recording.terminals.find(({ track }) => id === `terminal:${track}`)!);
  }
}

function terminalView(terminal: Terminal): View {
  if (terminal instanceof LargeTerminal && !terminal.restored) {
    void new Preparation(terminal).run();
  }
  return new TerminalView(terminal);
}
