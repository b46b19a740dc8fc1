/**
 * Brings a list of elements in line with keyed, versioned items, touching only those that changed.
 */

export interface Item {
  readonly key: string;
  readonly version: number;
}

interface Shown {
  readonly version: number;
  readonly element: HTMLElement;
}

export class KeyedList<T extends Item> {
  private shown = new Map<string, Shown>();

  constructor(
    private readonly parent: HTMLElement,
    private readonly render: (item: T) => HTMLElement
  ) {}

  /** Returns the element that changed last, or null if none did. */
  update(items: readonly T[]): HTMLElement | null {
    const next = new Map<string, Shown>();
    let newest: { element: HTMLElement; version: number } | null = null;
    for (const item of items) {
      const old = this.shown.get(item.key);
      const fresh = old === undefined || old.version !== item.version;
      const element = fresh ? this.render(item) : old.element;
      next.set(item.key, { version: item.version, element });
      if (fresh) {
        old?.element.replaceWith(element);
        newest = newest !== null && newest.version > item.version ? newest : { element, version: item.version };
      }
    }
    for (const [key, { element }] of this.shown) {
      if (!next.has(key)) {
        element.remove();
      }
    }
    this.shown = next;
    this.order();
    return newest?.element ?? null;
  }

  private order(): void {
    let at = this.parent.firstElementChild;
    for (const { element } of this.shown.values()) {
      if (element === at) {
        at = at.nextElementSibling;
      } else {
        this.parent.insertBefore(element, at);
      }
    }
  }
}
