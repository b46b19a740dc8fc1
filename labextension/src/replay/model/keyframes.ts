/**
 * Screens of a terminal at places in its stream, packed: what a seek begins from.
 */

/** Before event `index` of a block. */
export interface Place {
  readonly block: number;
  readonly index: number;
}

export interface Keyframe extends Place {
  /** Lines that scrolled away are in it. */
  readonly history: boolean;
  /** gzip of what `takeState` gives. */
  readonly packed: Uint8Array;
}

// A fifth of what a page may take; beyond it every second one goes.
const MAX_BYTES = 20 * 2 ** 20;

export function isBefore(a: Place, b: Place): boolean {
  return a.block < b.block || (a.block === b.block && a.index < b.index);
}

export class Keyframes {
  private frames: Keyframe[] = [];
  private bytes = 0;
  /** Grows as room runs out: how many times farther apart they are to be. */
  spread = 1;

  get all(): readonly Keyframe[] {
    return this.frames;
  }

  /** In order of place. */
  add(frame: Keyframe): void {
    this.frames.push(frame);
    this.bytes += frame.packed.length;
    while (this.bytes > MAX_BYTES && this.frames.length > 2) {
      this.spread *= 2;
      this.frames = this.frames.filter((_, at) => at % 2 === 0);
      this.bytes = this.frames.reduce((sum, { packed }) => sum + packed.length, 0);
    }
  }

  /** Takes what `all` and `spread` were of others; in order of place. */
  restore(frames: readonly Keyframe[], spread: number): void {
    this.spread = spread;
    frames.forEach(frame => this.add(frame));
  }

  /** The last one at or before a place. */
  nearest(place: Place, history = false): Keyframe | undefined {
    let low = 0;
    let high = this.frames.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(place, this.frames[middle]!)) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    while (history && low > 0 && !this.frames[low - 1]!.history) {
      low -= 1;
    }
    return this.frames[low - 1];
  }
}
