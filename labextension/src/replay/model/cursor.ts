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

// A seek folds at most this many events again, as long as there are few enough checkpoints.
const CHECKPOINT_EVERY = 2048;
const MAX_CHECKPOINTS = 32;

interface Checkpoint<S> {
  readonly position: number;
  readonly state: S;
}

/** A fold: `copy` gives a state that later steps on the other one leave as it is. */
export interface Fold<E, S> {
  initial(): S;
  step(state: S, event: E, index: number): void;
  copy(state: S): S;
}

/** Steps forward from where it stands or from a checkpoint, and goes back to a checkpoint. */
export class Cursor<E extends Timed, S> {
  private next = 0;
  private state: S;
  private checkpoints: Checkpoint<S>[];
  private every = CHECKPOINT_EVERY;

  constructor(
    private readonly events: readonly E[],
    private readonly fold: Fold<E, S>
  ) {
    this.checkpoints = [{ position: 0, state: fold.initial() }];
    this.state = fold.copy(this.checkpoints[0]!.state);
  }

  /** How many events the state holds. */
  get position(): number {
    return this.next;
  }

  at(t: number): S {
    const count = countUntil(this.events, t);
    const nearest = this.checkpoints.findLast(({ position }) => position <= count)!;
    if (count < this.next || nearest.position > this.next) {
      this.next = nearest.position;
      this.state = this.fold.copy(nearest.state);
    }
    for (; this.next < count; this.next += 1) {
      this.keep();
      this.fold.step(this.state, this.events[this.next]!, this.next);
    }
    return this.state;
  }

  private keep(): void {
    if (this.next % this.every !== 0 || this.next <= this.checkpoints.at(-1)!.position) {
      return;
    }
    this.checkpoints.push({ position: this.next, state: this.fold.copy(this.state) });
    if (this.checkpoints.length > MAX_CHECKPOINTS) {
      this.every *= 2;
      this.checkpoints = this.checkpoints.filter(({ position }) => position % this.every === 0);
    }
  }
}
