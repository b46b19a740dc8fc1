/**
 * Shows a long list by the few items in sight. An item's index stays its own for good; its content may change.
 */

import { h } from './dom';
import { Heights } from './heights';

// Beyond what is in sight, so that a slow scroll never shows an empty edge.
const OVERSCAN_PX = 300;
const GUESS_PX = 90;

export interface Item {
  readonly key: string;
  readonly version: number;
}

interface Shown {
  readonly version: number;
  readonly element: HTMLElement;
}

export class WindowList<T extends Item> {
  private readonly above = h('div', { class: 'space' });
  private readonly below = h('div', { class: 'space' });
  private readonly heights = new Heights(GUESS_PX);
  private readonly shown = new Map<number, Shown>();
  private items: readonly T[] = [];
  private goal: number | null = null;
  private frame = 0;

  /** @param gap pixels between two items */
  constructor(
    private readonly scroller: HTMLElement,
    private readonly gap: number,
    private readonly render: (item: T) => HTMLElement
  ) {
    scroller.append(this.above, this.below);
    scroller.addEventListener('scroll', () => this.draw(), { passive: true });
    // A picture has no height before it is decoded; another width wraps the text elsewhere.
    scroller.addEventListener('load', () => this.later(), { capture: true });
    new ResizeObserver(() => this.later()).observe(scroller);
  }

  /**
   * Shows these items.
   * @param goal the index of the one to bring to the lower edge, where the reader has not scrolled away
   * @returns the goal's element
   */
  update(items: readonly T[], goal: number | null): HTMLElement | null {
    this.items = items;
    this.heights.resize(items.length);
    this.goal = goal;
    if (goal !== null) {
      this.space(goal, goal);
      this.scroller.scrollTop = this.heights.top(goal + 1) - this.scroller.clientHeight;
    }
    this.draw(goal);
    return this.shown.get(goal ?? -1)?.element ?? null;
  }

  /** The element of the last goal: brought back where the list was drawn elsewhere since, as when its place was lost. */
  reach(): HTMLElement | null {
    const { goal } = this;
    return goal === null ? null : this.shown.get(goal)?.element ?? this.update(this.items, goal);
  }

  private later(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  private draw(goal: number | null = null): void {
    const { scroller, heights } = this;
    const { scrollTop, clientHeight } = scroller;
    const anchor = goal ?? heights.at(scrollTop);
    const before = heights.top(anchor);
    const first = heights.at(Math.max(0, Math.min(scrollTop, before) - OVERSCAN_PX));
    const last = Math.max(goal ?? 0, heights.at(scrollTop + clientHeight + OVERSCAN_PX));
    this.place(first, this.items.length === 0 ? -1 : last);
    this.measure();
    this.space(first, last);
    // What was guessed too high or too low above the reader's place does not move it.
    const moved = heights.top(anchor) - before;
    if (moved !== 0 && goal === null) {
      scroller.scrollTop = scrollTop + moved;
    }
  }

  private place(first: number, last: number): void {
    for (const [index, { element }] of this.shown) {
      if (index < first || index > last) {
        element.remove();
        this.shown.delete(index);
      }
    }
    let next: Element = this.below;
    for (let index = last; index >= first; index -= 1) {
      const element = this.elementOf(index);
      if (element.nextElementSibling !== next) {
        this.scroller.insertBefore(element, next);
      }
      next = element;
    }
  }

  private elementOf(index: number): HTMLElement {
    const item = this.items[index]!;
    const old = this.shown.get(index);
    if (old?.version === item.version) {
      return old.element;
    }
    const element = this.render(item);
    element.setAttribute('aria-posinset', String(index + 1));
    element.setAttribute('aria-setsize', '-1');
    old?.element.replaceWith(element);
    this.shown.set(index, { version: item.version, element });
    return element;
  }

  private measure(): void {
    for (const [index, { element }] of this.shown) {
      this.heights.set(index, element.offsetHeight + this.gap);
    }
    this.heights.learn();
  }

  private space(first: number, last: number): void {
    const count = this.items.length;
    this.above.style.height = `${this.heights.top(Math.min(first, count))}px`;
    this.below.style.height = `${Math.max(0, this.heights.top(count) - this.heights.top(Math.min(last + 1, count)))}px`;
  }
}
