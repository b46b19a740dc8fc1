/**
 * Heights of a long list's items, some measured, the others guessed: sums and look-up by logarithm (a Fenwick tree).
 */

export class Heights {
  private sums: Float64Array = new Float64Array(1);
  private known: Float64Array = new Float64Array(0);
  private count = 0;
  private measured = 0;
  private measuredSum = 0;

  /** @param guess pixels of an item that was not measured yet */
  constructor(private guess: number) {}

  get length(): number {
    return this.count;
  }

  /** Brings the number of items to `count`; what is known of those that stay, or come back, is kept. */
  resize(count: number): void {
    if (count > this.known.length) {
      const known = new Float64Array(Math.max(count, this.known.length * 2, 64));
      known.set(this.known);
      this.known = known;
      this.rebuild();
    }
    this.count = count;
  }

  set(index: number, height: number): void {
    const old = this.known[index]!;
    if (old === height) {
      return;
    }
    this.measured += old === 0 ? 1 : 0;
    this.measuredSum += height - old;
    this.known[index] = height;
    for (let at = index + 1; at < this.sums.length; at += at & -at) {
      this.sums[at]! += height - (old || this.guess);
    }
  }

  /** Learns from what was measured how high the others may be. */
  learn(): void {
    const average = this.measured === 0 ? this.guess : this.measuredSum / this.measured;
    // The sums are made again only where the guess was far off.
    if (average > this.guess * 1.5 || average < this.guess / 1.5) {
      this.guess = average;
      this.rebuild();
    }
  }

  /** Pixels above the item. */
  top(index: number): number {
    let sum = 0;
    for (let at = index; at > 0; at -= at & -at) {
      sum += this.sums[at]!;
    }
    return sum;
  }

  /** The item at a distance from the top. */
  at(pixels: number): number {
    let index = 0;
    let left = pixels;
    for (let step = 1 << Math.floor(Math.log2(Math.max(1, this.sums.length - 1))); step > 0; step >>= 1) {
      const next = index + step;
      if (next < this.sums.length && this.sums[next]! <= left) {
        index = next;
        left -= this.sums[next]!;
      }
    }
    return Math.max(0, Math.min(this.count - 1, index));
  }

  private rebuild(): void {
    const { known, guess } = this;
    const sums = new Float64Array(known.length + 1);
    for (let index = 0; index < known.length; index += 1) {
      sums[index + 1]! += known[index]! || guess;
      const parent = index + 1 + ((index + 1) & -(index + 1));
      if (parent < sums.length) {
        sums[parent]! += sums[index + 1]!;
      }
    }
    this.sums = sums;
  }
}
