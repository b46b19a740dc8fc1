/**
 * Shows a terminal as it stood at a moment, by xterm.js.
 */

import type { Terminal as Xterm } from '@xterm/xterm';

import { LargeTerminal } from '../model/large-terminal';
import type { Spot, Terminal, Way } from '../model/terminals';
import { parseSize } from '../model/cast';
import { h } from './dom';
import { putState } from './screen-state';
import type { View } from './view';
import { makeXterm } from './xterm';

const MAX_FONT_PX = 15;
const MIN_FONT_PX = 5;

// RIS: a full reset that keeps its place among the writes before it, also inside an unfinished escape.
const RESET = '\x1bc';

// Once the reader rests at a moment for so long, what scrolled away before it is fetched too.
const REST_MS = 400;

type Step = string | readonly [cols: number, rows: number] | ArrayBuffer;

export class TerminalView implements View {
  readonly element: HTMLElement;
  private readonly screen = h('div', { class: 'screen' });
  private readonly xterm: Xterm;
  private opened = false;
  /** The moment that is to be shown, and how far the screen has come. */
  private wanted = 0;
  private spot: Spot | null = null;
  /** Lines that scrolled away before a keyframe are not there yet. */
  private lacksHistory = false;
  private seeking = false;
  private trouble = '';
  private timer: number | undefined;
  /** What is still to be applied, in order; xterm parses what it is given later. */
  private readonly queue: Step[] = [];
  private writing = false;

  constructor(private readonly terminal: Terminal) {
    this.element = h('div', { class: 'tty', role: 'group', 'aria-label': `Terminal ${terminal.track}` }, this.screen);
    this.xterm = makeXterm(terminal);
    this.element.style.background = this.xterm.options.theme?.background ?? '';
  }

  show(t: number): void {
    this.wanted = t;
    if (!this.seeking) {
      this.go();
    }
  }

  status(t: number): string {
    const { end, title } = this.terminal;
    const exit = end !== null && end.exitCode !== null && end.t <= t ? `exit ${end.exitCode}` : '';
    return [title, exit, this.trouble || this.preparation()].filter(part => part !== '').join(' · ');
  }

  /** Sizes the text so that the whole screen is in sight. */
  fit(): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (width === 0 || height === 0) {
      return;
    }
    this.open();
    const shown = this.screen.querySelector<HTMLElement>('.xterm-screen');
    const size = this.xterm.options.fontSize ?? 13;
    if (shown === null || shown.offsetWidth === 0) {
      return;
    }
    const scale = Math.min((width - 24) / shown.offsetWidth, (height - 16) / shown.offsetHeight);
    const fitting = Math.min(MAX_FONT_PX, Math.max(MIN_FONT_PX, Math.floor(size * scale * 4) / 4));
    if (fitting !== size) {
      this.xterm.options.fontSize = fitting;
    }
  }

  private open(): void {
    if (this.opened) {
      return;
    }
    this.opened = true;
    this.xterm.open(this.screen);
    this.xterm.textarea?.setAttribute('tabindex', '-1');
    // xterm shows no cursor before it had the focus once, and a replay never takes the focus.
    this.xterm.textarea?.dispatchEvent(new FocusEvent('focus'));
    this.xterm.textarea?.dispatchEvent(new FocusEvent('blur'));
    // The rows are the only text of the screen, so a screen reader has to see them.
    this.screen.querySelector('.xterm-rows')?.removeAttribute('aria-hidden');
  }

  private go(): void {
    const t = this.wanted;
    const way = this.terminal.way(this.spot, t);
    if (way instanceof Promise) {
      this.seeking = true;
      void this.follow(way, t);
    } else {
      this.take(way);
    }
  }

  private async follow(way: Promise<Way>, t: number): Promise<void> {
    try {
      this.take(await way);
      this.trouble = '';
    } catch (error) {
      this.trouble = error instanceof Error ? error.message : String(error);
    }
    this.seeking = false;
    if (this.wanted !== t) {
      this.go();
    } else if (this.lacksHistory && this.trouble === '') {
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => this.fetchHistory(t), REST_MS);
    }
  }

  /** Begins anew from farther back, so that there is something to scroll to. */
  private fetchHistory(t: number): void {
    if (this.terminal instanceof LargeTerminal && !this.seeking && this.wanted === t && this.spot?.exact === true) {
      this.seeking = true;
      void this.follow(this.terminal.way(null, t, true), t);
    }
  }

  private take({ begin, events, to, history }: Way): void {
    if (begin !== null) {
      this.queue.length = 0;
      this.queue.push(RESET, begin.state ?? begin.size);
      this.lacksHistory = !history;
    }
    this.spot = to;
    this.enqueue(events);
    this.pump();
  }

  private enqueue(events: Way['events']): void {
    let output: string[] = [];
    const flush = (): void => {
      if (output.length > 0) {
        this.queue.push(output.join(''));
        output = [];
      }
    };
    for (const { code, data } of events) {
      if (code === 'o') {
        output.push(data);
      } else if (code === 'r') {
        const size = parseSize(data);
        if (size !== null) {
          flush();
          this.queue.push(size);
        }
      }
    }
    flush();
  }

  private pump(): void {
    if (this.writing) {
      return;
    }
    for (let step = this.queue.shift(); step !== undefined; step = this.queue.shift()) {
      if (typeof step === 'string') {
        this.writing = true;
        this.xterm.write(step, () => {
          this.writing = false;
          this.pump();
        });
        return;
      }
      if (step instanceof ArrayBuffer) {
        const { cols, rows } = this.xterm;
        putState(this.xterm, step);
        if (cols !== this.xterm.cols || rows !== this.xterm.rows) {
          this.fit();
        }
      } else {
        this.resize(step);
      }
    }
  }

  private resize([cols, rows]: readonly [number, number]): void {
    if (cols !== this.xterm.cols || rows !== this.xterm.rows) {
      this.xterm.resize(cols, rows);
      this.fit();
    }
  }

  private preparation(): string {
    if (!(this.terminal instanceof LargeTerminal) || this.terminal.isPrepared) {
      return '';
    }
    const share = `${Math.floor(this.terminal.share * 100)} %`;
    return this.spot?.exact === false ? `approximate here until prepared (${share})` : `preparing ${share}`;
  }
}
