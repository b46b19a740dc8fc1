/**
 * Puts off what would draw a list anew from under a press: the click would be lost with the button, or meet another one.
 */

export class Press {
  private pressed: AbortController | null = null;
  private late: (() => void) | null = null;

  constructor(element: HTMLElement) {
    element.addEventListener('pointerdown', () => this.begin());
  }

  /** Runs a step now, or once the pointer is let go; of several then, the last. */
  after(step: () => void): void {
    if (this.pressed === null) {
      step();
    } else {
      this.late = step;
    }
  }

  private begin(): void {
    this.pressed?.abort();
    const pressed = new AbortController();
    this.pressed = pressed;
    // The click comes straight after.
    const end = (): number => window.setTimeout(() => this.pressed === pressed && this.end());
    const { signal } = pressed;
    const heard = { capture: true, signal };
    window.addEventListener('pointerup', end, heard);
    window.addEventListener('pointercancel', end, heard);
    window.addEventListener('blur', end, { signal });
    // Who let go where nothing was heard of it comes back so.
    window.addEventListener('pointermove', ({ buttons }) => buttons === 0 && end(), heard);
  }

  private end(): void {
    this.pressed?.abort();
    this.pressed = null;
    const late = this.late;
    this.late = null;
    late?.();
  }
}
