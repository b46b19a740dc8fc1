/**
 * A long list of rows of known heights, of which only those in sight are in the page. It keeps the reader's place while
 * rows come and go, and one row is the list's stop for the Tab key: the arrows go from row to row.
 */

import { h } from '../replay/views/dom';
import { Press } from '../replay/views/press';
import { Rows } from './rows';

export interface Row {
  /** Stays the row's own for good. */
  readonly key: string;
  /** CSS pixels. */
  readonly height: number;
  /** What the row shows: it is drawn again when this is another. */
  readonly version: unknown;
  /** It has no button, such as a heading. */
  readonly inert?: true;
  /** Its buttons, the main one first, are reached by the arrow keys. */
  render(): HTMLElement;
}

// Beyond what is in sight, so that a slow scroll never shows an empty edge.
const OVERSCAN_PX = 240;

interface Shown {
  readonly version: unknown;
  readonly element: HTMLElement;
}

export class RowList {
  readonly element = h('div', { class: 'jr-rows', role: 'list', 'aria-label': 'Recordings' });
  private readonly space = h('div', { class: 'jr-space', role: 'presentation' });
  private readonly shown = new Map<string, Shown>();
  private readonly press = new Press(this.element);
  private rows = new Rows<Row>([]);
  private current = '';

  /** @param onKey what a row makes of a key; true: it was taken */
  constructor(private readonly onKey: (key: string, event: KeyboardEvent) => boolean) {
    this.element.append(this.space);
    this.element.addEventListener('scroll', () => this.draw(), { passive: true });
    this.element.addEventListener('keydown', event => this.keyed(event));
    this.element.addEventListener('focusin', event => this.focused(event));
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  update(rows: readonly Row[]): void {
    this.press.after(() => this.take(rows));
  }

  private take(rows: readonly Row[]): void {
    const { scrollTop } = this.element;
    const anchor = this.rows.list[this.rows.at(scrollTop)];
    const into = anchor === undefined ? 0 : scrollTop - this.rows.top(this.rows.indexOf(anchor.key));
    this.rows = new Rows(rows);
    this.space.style.height = `${this.rows.height}px`;
    const moved = anchor === undefined ? -1 : this.rows.indexOf(anchor.key);
    if (scrollTop > 0 && moved >= 0) {
      this.element.scrollTop = this.rows.top(moved) + into;
    }
    this.draw();
  }

  scrollToTop(): void {
    this.element.scrollTop = 0;
  }

  focus(): void {
    this.focusRow(Math.max(0, this.rows.indexOf(this.current)));
  }

  /** The element of a row that is in the page. */
  elementOf(key: string): HTMLElement | undefined {
    return this.shown.get(key)?.element;
  }

  private draw(): void {
    const { scrollTop, clientHeight } = this.element;
    const first = this.rows.at(scrollTop - OVERSCAN_PX);
    const last = this.rows.at(scrollTop + clientHeight + OVERSCAN_PX);
    if (this.rows.indexOf(this.current) < 0) {
      this.current = this.rows.list.find(({ inert }) => inert !== true)?.key ?? '';
    }
    const wanted = new Set<number>();
    for (let index = Math.max(0, first); index <= last; index += 1) {
      wanted.add(index);
    }
    // Who has the focus stays in the page, else the keyboard would lose its place.
    const focused = this.keyOf(document.activeElement);
    const kept = focused === null ? -1 : this.rows.indexOf(focused);
    if (kept >= 0) {
      wanted.add(kept);
    }
    const keys = new Set([...wanted].map(index => this.rows.list[index]!.key));
    for (const [key, { element }] of this.shown) {
      if (!keys.has(key)) {
        element.remove();
        this.shown.delete(key);
      }
    }
    for (const index of [...wanted].sort((one, other) => one - other)) {
      this.place(index);
    }
    if (focused !== null && kept < 0) {
      // Its row is gone: the keyboard goes on at the list's stop.
      this.shown.get(this.current)?.element.querySelector('button')?.focus();
    }
  }

  private place(index: number): void {
    const row = this.rows.list[index]!;
    const old = this.shown.get(row.key);
    let element = old?.element;
    if (element === undefined || old?.version !== row.version) {
      element = this.made(row, element);
    }
    element.style.transform = `translateY(${this.rows.top(index)}px)`;
    element.setAttribute('aria-posinset', String(index + 1));
    element.setAttribute('aria-setsize', String(this.rows.list.length));
    this.stop(row.key, element);
  }

  private made(row: Row, old: HTMLElement | undefined): HTMLElement {
    const element = row.render();
    element.setAttribute('role', 'listitem');
    element.classList.add('jr-row');
    element.dataset.key = row.key;
    element.style.height = `${row.height}px`;
    const focused = old === undefined ? -1 : buttonsOf(old).indexOf(document.activeElement as HTMLButtonElement);
    this.shown.set(row.key, { version: row.version, element });
    if (old === undefined) {
      this.space.append(element);
    } else {
      old.replaceWith(element);
    }
    if (focused >= 0) {
      buttonsOf(element)[focused]?.focus();
    }
    return element;
  }

  private stop(key: string, element: HTMLElement): void {
    buttonsOf(element).forEach((button, index) => (button.tabIndex = key === this.current && index === 0 ? 0 : -1));
  }

  private focused({ target }: FocusEvent): void {
    const key = this.keyOf(target);
    if (key !== null && key !== this.current) {
      const before = this.shown.get(this.current);
      this.current = key;
      for (const [one, shown] of [[key, this.shown.get(key)], ['', before]] as const) {
        if (shown !== undefined) {
          this.stop(one, shown.element);
        }
      }
    }
  }

  private keyed(event: KeyboardEvent): void {
    const key = this.keyOf(event.target);
    if (key === null) {
      return;
    }
    const index = this.rows.indexOf(key);
    const page = Math.max(1, Math.floor(this.element.clientHeight / (this.rows.list[index]?.height ?? 50)) - 1);
    const last = this.rows.list.length - 1;
    const to = { ArrowUp: index - 1, ArrowDown: index + 1, PageUp: index - page, PageDown: index + page, Home: 0, End: last }[event.key];
    const aside = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (to !== undefined) {
      this.focusRow(Math.max(0, Math.min(last, to)), to < index ? -1 : 1);
    } else if (aside !== undefined) {
      const buttons = buttonsOf(this.shown.get(key)!.element);
      buttons[buttons.indexOf(event.target as HTMLButtonElement) + aside]?.focus();
    } else if (!this.onKey(key, event)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param direction where to look on from a row without a button, such as a heading */
  private focusRow(index: number, direction = 1): void {
    const row = this.rows.list[index];
    if (row === undefined) {
      return;
    }
    const top = this.rows.top(index);
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) {
      this.element.scrollTop = top;
    } else if (top + row.height > scrollTop + clientHeight) {
      this.element.scrollTop = top + row.height - clientHeight;
    }
    this.draw();
    const [button] = buttonsOf(this.shown.get(row.key)!.element);
    if (button === undefined) {
      this.focusRow(index + direction, direction);
    } else {
      button.focus({ preventScroll: true });
    }
  }

  private keyOf(target: EventTarget | null): string | null {
    const element = target instanceof Element && this.element.contains(target) ? target.closest<HTMLElement>('.jr-row') : null;
    return element?.dataset.key ?? null;
  }
}

function buttonsOf(element: HTMLElement): HTMLButtonElement[] {
  return [...element.querySelectorAll('button')];
}
