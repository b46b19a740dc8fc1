/**
 * The one clock that drives all views: play, pause, seek, speed and idle limit.
 */

import { advance, idleStretches } from './idle';
import type { Stretch } from './idle';

/** Where time comes from: the page's frames, or a test. */
export interface Clock {
  /** Milliseconds. */
  now(): number;
  request(frame: () => void): number;
  cancel(handle: number): void;
}

export const pageClock: Clock = {
  now: () => performance.now(),
  request: frame => requestAnimationFrame(frame),
  cancel: handle => cancelAnimationFrame(handle)
};

// A page in the background gets no frames: what passed meanwhile is not played.
const LONGEST_FRAME_S = 0.25;

export const SLOWEST = 0.1;
export const FASTEST = 100;

export interface TransportOptions {
  /** Seconds. */
  readonly duration: number;
  /** When something happened, in order, in seconds. */
  readonly activity: readonly number[];
  readonly speed?: number;
  /** Seconds; null plays every stretch at its length. */
  readonly idle?: number | null;
  readonly clock?: Clock;
}

export class Transport {
  readonly duration: number;
  private readonly clock: Clock;
  private readonly activity: readonly number[];
  private readonly listeners = new Set<() => void>();
  private time = 0;
  private rate = 1;
  private limit: number | null = null;
  private stretches: readonly Stretch[] = [];
  private frame: number | null = null;
  private last = 0;

  constructor(options: TransportOptions) {
    this.duration = options.duration;
    this.activity = options.activity;
    this.clock = options.clock ?? pageClock;
    this.speed = options.speed ?? 1;
    this.idle = options.idle ?? null;
  }

  /** Seconds of recording time. */
  get currentTime(): number {
    return this.time;
  }

  get playing(): boolean {
    return this.frame !== null;
  }

  get ended(): boolean {
    return this.time >= this.duration;
  }

  get speed(): number {
    return this.rate;
  }

  set speed(speed: number) {
    this.rate = Number.isFinite(speed) ? Math.min(FASTEST, Math.max(SLOWEST, speed)) : 1;
    this.notify();
  }

  get idle(): number | null {
    return this.limit;
  }

  set idle(limit: number | null) {
    this.limit = limit !== null && limit > 0 ? limit : null;
    this.stretches = this.limit === null ? [] : idleStretches(this.activity, this.duration, this.limit);
    this.notify();
  }

  /** Calls the listener after every change of time or state. */
  subscribe(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** Plays on; at the end, from the start. */
  play(): void {
    if (this.playing) {
      return;
    }
    if (this.ended) {
      this.time = 0;
    }
    this.last = this.clock.now();
    this.frame = this.clock.request(this.tick);
    this.notify();
  }

  pause(): void {
    if (this.frame !== null) {
      this.clock.cancel(this.frame);
      this.frame = null;
      this.notify();
    }
  }

  toggle(): void {
    if (this.playing) {
      this.pause();
    } else {
      this.play();
    }
  }

  seek(t: number): void {
    this.time = Number.isFinite(t) ? Math.min(this.duration, Math.max(0, t)) : 0;
    this.notify();
  }

  private readonly tick = (): void => {
    const now = this.clock.now();
    const seconds = Math.min(LONGEST_FRAME_S, Math.max(0, now - this.last) / 1000) * this.rate;
    this.last = now;
    const reached = this.limit === null ? this.time + seconds : advance(this.time, seconds, this.stretches, this.limit);
    this.time = Math.min(this.duration, reached);
    this.frame = this.ended ? null : this.clock.request(this.tick);
    this.notify();
  };

  private notify(): void {
    for (const listener of this.listeners) {
      listener();
    }
  }
}
