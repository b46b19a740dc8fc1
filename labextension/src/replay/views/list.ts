/**
 * A list of moments to choose from, by pointer or by arrow keys.
 */

import { clockText, h } from './dom';
import { Press } from './press';

export interface Entry {
  /** Seconds. */
  readonly t: number;
  readonly kind: string;
  readonly label: string | Node;
}

export class MomentList<E extends Entry> {
  readonly element = h('ol', { class: 'moments scroller' });
  private readonly press = new Press(this.element);
  private buttons: HTMLButtonElement[] = [];
  private current = -1;
  private wanted = -1;

  constructor(
    label: string,
    private readonly choose: (entry: E) => void
  ) {
    this.element.setAttribute('aria-label', label);
    this.element.addEventListener('keydown', event => this.onKey(event));
  }

  fill(entries: readonly E[]): void {
    this.wanted = -1;
    this.press.after(() => {
      this.draw(entries);
      this.show(this.wanted);
    });
  }

  private draw(entries: readonly E[]): void {
    const focused = this.buttons.indexOf(document.activeElement as HTMLButtonElement);
    this.buttons = entries.map(entry => this.button(entry));
    this.element.replaceChildren(...this.buttons.map(button => h('li', {}, button)));
    this.current = -1;
    this.mark(0);
    this.buttons[focused]?.focus();
  }

  /** Marks where playback stands, and keeps it in sight; -1 marks nothing. */
  show(index: number): void {
    this.wanted = index;
    if (index !== this.current) {
      this.buttons[this.current]?.removeAttribute('aria-current');
      this.buttons[index]?.setAttribute('aria-current', 'true');
      this.current = index;
      if (!this.element.contains(document.activeElement)) {
        this.mark(Math.max(0, index));
        this.buttons[index]?.scrollIntoView({ block: 'nearest' });
      }
    }
  }

  focus(): void {
    this.buttons.find(({ tabIndex }) => tabIndex === 0)?.focus();
  }

  private button(entry: E): HTMLButtonElement {
    const { t, kind, label } = entry;
    const button = h('button', { type: 'button', tabindex: '-1', 'data-kind': kind });
    button.append(h('span', { class: 'at' }, clockText(t)), h('span', { class: 'kind' }, kind), h('span', { class: 'label' }, label));
    button.addEventListener('click', () => this.choose(entry));
    return button;
  }

  /** One stop for the tab key: the arrows do the rest. */
  private mark(index: number): void {
    this.buttons.forEach((button, at) => (button.tabIndex = at === index ? 0 : -1));
  }

  private onKey(event: KeyboardEvent): void {
    const at = this.buttons.indexOf(event.target as HTMLButtonElement);
    const last = this.buttons.length - 1;
    const to = { ArrowUp: Math.max(0, at - 1), ArrowDown: Math.min(last, at + 1), Home: 0, End: last }[event.key];
    if (at >= 0 && to !== undefined) {
      event.preventDefault();
      this.mark(to);
      this.buttons[to]?.focus();
    }
  }
}
