/**
 * Shows a terminal as it stood at a moment, by xterm.js.
 *
 * It only ever listens: nothing is wired to what the terminal would answer, and what could reach out of it is dropped.
 */

import { Terminal as Xterm } from '@xterm/xterm';

import { parseSize } from '../model/cast';
import { countUntil } from '../model/cursor';
import type { Terminal, TerminalEvent } from '../model/terminals';
import { h } from './dom';
import { xtermTheme } from './terminal-theme';
import type { View } from './view';

const MAX_FONT_PX = 15;
const MIN_FONT_PX = 5;
const FONT = 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace';

// RIS: a full reset that keeps its place among the writes before it, also inside an unfinished escape.
const RESET = '\x1bc';

export class TerminalView implements View {
  readonly element: HTMLElement;
  private readonly screen = h('div', { class: 'screen' });
  private readonly xterm: Xterm;
  private opened = false;
  private next = 0;
  /** What is still to be applied, in order; xterm parses what it is given later. */
  private readonly queue: (string | [number, number])[] = [];
  private writing = false;

  constructor(private readonly terminal: Terminal) {
    this.element = h('div', { class: 'tty', role: 'group', 'aria-label': `Terminal ${terminal.track}` }, this.screen);
    this.xterm = new Xterm({
      allowProposedApi: true,
      cols: terminal.cols,
      rows: terminal.rows,
      cursorInactiveStyle: 'block',
      disableStdin: true,
      fontFamily: FONT,
      fontSize: 13,
      scrollback: 1000,
      screenReaderMode: false,
      theme: xtermTheme(terminal.theme)
    });
    this.element.style.background = this.xterm.options.theme?.background ?? '';
    harden(this.xterm);
  }

  show(t: number): void {
    const count = countUntil(this.terminal.events, t);
    if (count < this.next) {
      this.rewind();
    }
    this.enqueue(this.terminal.events.slice(this.next, count));
    this.next = count;
    this.pump();
  }

  status(t: number): string {
    const { end, title } = this.terminal;
    const exit = end !== null && end.exitCode !== null && end.t <= t ? `exit ${end.exitCode}` : '';
    return [title, exit].filter(part => part !== '').join(' · ');
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

  private rewind(): void {
    this.next = 0;
    this.queue.length = 0;
    this.queue.push(RESET, [this.terminal.cols, this.terminal.rows]);
  }

  private enqueue(events: readonly TerminalEvent[]): void {
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
      this.resize(step);
    }
  }

  private resize([cols, rows]: [number, number]): void {
    if (cols !== this.xterm.cols || rows !== this.xterm.rows) {
      this.xterm.resize(cols, rows);
      this.fit();
    }
  }
}

/** Takes away what recorded output could do beyond drawing on its screen. */
function harden(xterm: Xterm): void {
  xterm.attachCustomKeyEventHandler(() => false);
  // OSC 8: a link's text stays, its target goes. OSC 52: the clipboard is the reader's.
  for (const code of [8, 52]) {
    xterm.parser.registerOscHandler(code, () => true);
  }
  // CSI b repeats a character: beyond a screen it would only cost memory.
  xterm.parser.registerCsiHandler({ final: 'b' }, params => Number(params[0] ?? 1) > xterm.cols * xterm.rows);
}
