/**
 * Turns a cell's stream text, with its colours and overwritten lines, into styled runs.
 * All escapes but colours and erasing in the line are dropped.
 */

import { PLAIN, withSgr } from './sgr';
import type { Style } from './sgr';

export interface Run {
  readonly text: string;
  readonly style: Style;
}

// CSI, OSC (ended by BEL, ST or the end of the text), two-character escapes, and the C1 forms of the first two.
const ESCAPE =
  /(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~])|(?:\x1b[\]PX^_]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)|\x1b[ -/]*[0-~]?/g;

export function parseAnsi(source: string): Run[] {
  // CR LF ends a line like LF: nothing is overwritten.
  const text = source.replace(/\r+\n/g, '\n');
  const line = new Line();
  let style = PLAIN;
  let at = 0;
  for (const match of text.matchAll(ESCAPE)) {
    line.write(text.slice(at, match.index), style);
    at = match.index + match[0].length;
    if (match[2] === 'm') {
      style = withSgr(style, match[1] ?? '');
    } else if (match[2] === 'K') {
      line.erase(match[1] ?? '');
    }
  }
  line.write(text.slice(at), style);
  return line.finish();
}

/** The text alone, as it stands after all overwriting. */
export function stripAnsi(text: string): string {
  return parseAnsi(text)
    .map(run => run.text)
    .join('');
}

/** The text so far and its current line, which is kept as characters once something may overwrite it. */
class Line {
  private readonly done: Run[] = [];
  private chars: Run[] | null = null;
  private column = 0;
  private lineStart = 0;

  write(text: string, style: Style): void {
    for (const part of text.split(/([\n\r\b])/)) {
      if (part === '\n') {
        this.flush();
        this.push('\n', style);
        this.lineStart = this.done.length;
      } else if (part === '\r') {
        this.split();
        this.column = 0;
      } else if (part === '\b') {
        this.split();
        this.column = Math.max(0, this.column - 1);
      } else {
              this.put(part.replace(/[\x00-\x08\x0b-\x1f\x7f]/g, ''), style);
      }
    }
  }

  /** Erases in the line, as CSI K does. */
  erase(mode: string): void {
    this.split();
    const chars = this.chars!;
    if (mode === '' || mode === '0') {
      chars.length = Math.min(chars.length, this.column);
    } else if (mode === '2') {
      this.chars = Array.from({ length: this.column }, () => ({ text: ' ', style: PLAIN }));
    }
  }

  finish(): Run[] {
    this.flush();
    return this.done;
  }

  private put(text: string, style: Style): void {
    if (this.chars === null) {
      this.push(text, style);
      return;
    }
    for (const char of text) {
      this.chars[this.column] = { text: char, style };
      this.column += 1;
    }
  }

  private split(): void {
    if (this.chars === null) {
      const runs = this.done.splice(this.lineStart);
      this.chars = runs.flatMap(({ text, style }) => Array.from(text, char => ({ text: char, style })));
      this.column = this.chars.length;
    }
  }

  private flush(): void {
    const chars = this.chars ?? [];
    this.chars = null;
    for (const { text, style } of chars) {
      this.push(text, style);
    }
  }

  /** Never joins across the start of the current line, which may yet be taken back. */
  private push(text: string, style: Style): void {
    const last = this.done.at(-1);
    if (text === '') {
      return;
    }
    if (last !== undefined && last.style === style && this.done.length > this.lineStart) {
      this.done[this.done.length - 1] = { text: last.text + text, style };
    } else {
      this.done.push({ text, style });
    }
  }
}
