/**
 * Keeps what is new in sight, until the reader scrolls away; back at the end, it follows again.
 */

const NEAR_PX = 24;
const MARGIN_PX = 12;

export class Follower {
  private away = false;

  /** @param reach what has changed last, wherever it is now; null where nothing has */
  constructor(
    private readonly scroller: HTMLElement,
    private readonly reach: () => Element | null
  ) {
    // Only a reader's own wheel, touch or key moves away: a scroll event alone may be ours or a reflow's.
    for (const type of ['wheel', 'touchmove', 'keydown']) {
      scroller.addEventListener(type, () => requestAnimationFrame(() => this.update()), { passive: true });
    }
    // A picture has no height before it is decoded.
    scroller.addEventListener('load', () => this.scroll(), { capture: true });
    new ResizeObserver(() => this.scroll()).observe(scroller);
    scroller.addEventListener('pointerup', () => this.update(), { passive: true });
  }

  /** The reader has not scrolled away. */
  get follows(): boolean {
    return !this.away || this.fits();
  }

  /** Scrolls to what has just changed. */
  reveal(): void {
    if (this.fits()) {
      this.away = false;
    }
    this.scroll();
  }

  private scroll(): void {
    const newest = this.away ? null : this.reach();
    if (newest === null) {
      return;
    }
    const box = this.scroller.getBoundingClientRect();
    const target = newest.getBoundingClientRect();
    const below = target.bottom - box.bottom + MARGIN_PX;
    const above = target.top - box.top - MARGIN_PX;
    // The end of what is new matters most: something taller than the pane shows its end.
    if (below > 0) {
      this.scroller.scrollTop += below;
    } else if (above < 0) {
      this.scroller.scrollTop += Math.max(above, below);
    }
  }

  /** All is in sight, as after a jump to the start. */
  private fits(): boolean {
    return this.scroller.scrollHeight <= this.scroller.clientHeight;
  }

  private update(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    this.away = scrollHeight - scrollTop - clientHeight > NEAR_PX;
  }
}
