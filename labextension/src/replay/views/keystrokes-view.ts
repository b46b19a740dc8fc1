/**
 * Shows the keys that were typed, over the tracks, for a moment each.
 */

import { keysAt } from '../model/keystrokes';
import type { Recording } from '../model/recording';
import type { TerminalEvent } from '../model/terminals';
import { h } from './dom';

export class KeystrokesView {
  // What the keys did is in the terminal's text: a screen reader is not told twice.
  readonly element = h('div', { class: 'keystrokes', 'aria-hidden': 'true', hidden: '' });
  on = true;
  private typed: TerminalEvent[] = [];
  private seen = -1;
  private shown = '';

  constructor(private readonly recording: Recording) {}

  /** Input was recorded. */
  get any(): boolean {
    this.grow();
    return this.typed.length > 0;
  }

  show(t: number): void {
    this.grow();
    const keys = this.on ? keysAt(this.typed, t) : [];
    const shown = keys.join('\0');
    if (shown !== this.shown) {
      this.shown = shown;
      this.element.hidden = keys.length === 0;
      this.element.replaceChildren(...keys.map(key => h('kbd', {}, key)));
    }
  }

  private grow(): void {
    const { terminals } = this.recording;
    const count = terminals.reduce((sum, { typed }) => sum + typed.length, 0);
    if (count !== this.seen) {
      this.seen = count;
      this.typed = terminals.flatMap(({ typed }) => typed).sort((a, b) => a.t - b.t);
    }
  }
}
