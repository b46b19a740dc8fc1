/**
 * Where rows of known heights lie below each other.
 */

interface Sized {
  readonly key: string;
  readonly height: number;
}

export class Rows<T extends Sized> {
  /** Where each row begins, and at last where the list ends. */
  private readonly tops: Float64Array;
  private readonly places = new Map<string, number>();

  constructor(readonly list: readonly T[]) {
    this.tops = new Float64Array(list.length + 1);
    list.forEach(({ key, height }, index) => {
      this.tops[index + 1] = this.tops[index]! + height;
      this.places.set(key, index);
    });
  }

  /** Pixels. */
  get height(): number {
    return this.tops[this.list.length]!;
  }

  /** -1: it is not there. */
  indexOf(key: string): number {
    return this.places.get(key) ?? -1;
  }

  /** Pixels above a row. */
  top(index: number): number {
    return this.tops[index]!;
  }

  /** The row at a distance from the top, the first or last one beyond the ends; -1: there is none. */
  at(pixels: number): number {
    let [low, high] = [0, this.list.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.tops[middle]! <= pixels) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return this.list.length === 0 ? -1 : low;
  }
}
