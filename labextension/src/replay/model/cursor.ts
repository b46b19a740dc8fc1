/**
 * Moves a fold over timed events to any moment.
 */

export interface Timed {
  /** Seconds since the recording began, never decreasing. */
  readonly t: number;
}

/** The number of events at or before `t`: events are in order of time. */
export function countUntil(events: readonly Timed[], t: number): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle]!.t <= t) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** Steps forward from where it stands, and begins again to go back. */
export class Cursor<E extends Timed, S> {
  private next = 0;
  private state: S;

  constructor(
    private readonly events: readonly E[],
    private readonly initial: () => S,
    private readonly step: (state: S, event: E, index: number) => void
  ) {
    this.state = initial();
  }

  /** How many events the state holds. */
  get position(): number {
    return this.next;
  }

  at(t: number): S {
    const count = countUntil(this.events, t);
    if (count < this.next) {
      this.next = 0;
      this.state = this.initial();
    }
    for (; this.next < count; this.next += 1) {
      this.step(this.state, this.events[this.next]!, this.next);
    }
    return this.state;
  }
}
