/**
 * Says aloud, politely, what the reader did and where it led; sighted readers get what is worth a line as a toast.
 */

import { h } from './dom';

const TOAST_MS = 4000;

export class Announcer {
  readonly element = h('div', { class: 'toast', role: 'status', 'aria-live': 'polite' });
  private timer: number | undefined;

  /** For screen readers alone. */
  say(text: string): void {
    this.put(text, false);
  }

  /** For everyone. */
  toast(text: string): void {
    this.put(text, true);
    this.timer = window.setTimeout(() => this.element.classList.remove('seen'), TOAST_MS);
  }

  private put(text: string, seen: boolean): void {
    window.clearTimeout(this.timer);
    this.element.classList.toggle('seen', seen);
    this.element.textContent = text;
  }
}
