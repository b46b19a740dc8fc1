/**
 * A terminal's output as text to be searched: without escapes, wherever the pieces were cut.
 */

// CSI, strings (OSC, DCS, …) up to their end, other escapes.
const ESCAPE = /(?:\x1b\[|\x9b)[0-?]*[ -/]*([@-~])|(?:\x1b[\]PX^_]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-OQ-WYZ\\`-~]/g;

// What of an escape stands at the end of a piece: the next one goes on with it.
const UNFINISHED = /(?:\x1b\[|\x9b)[0-?]*[ -/]*$|(?:\x1b[\]PX^_]|\x9d)[^\x07\x1b\x9c]*\x1b?$|\x1b[ -/]*$/;

// A string that never ends is none.
const LONGEST_ESCAPE = 1 << 16;

// Moves that leave the line, or a place in it: the words before and after do not run together.
const LEAVES_LINE = 'ABEFHfdJ';
const LEAVES_PLACE = 'CDGX';

export class PlainTerminal {
  private carried = '';

  /** The text that a piece of output adds. */
  add(data: string): string {
    const all = this.carried + data;
    const rest = UNFINISHED.exec(all)?.[0] ?? '';
    this.carried = rest.length > LONGEST_ESCAPE ? '' : rest;
    return all
      .slice(0, all.length - rest.length)
      .replace(ESCAPE, (_, final: string = '') => (final === '' ? '' : LEAVES_LINE.includes(final) ? '\n' : LEAVES_PLACE.includes(final) ? ' ' : ''))
      .replace(/\r\n?/g, '\n')
      .replace(/[\x00-\x07\x0b-\x1f\x7f]/g, '');
  }
}
