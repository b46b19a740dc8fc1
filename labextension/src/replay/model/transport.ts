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
  /** When something happened, in order, in seconds; it may grow. */
  readonly activity: readonly number[];
  /** More may come: at the newest, playback waits for it. */
  readonly live?: boolean;
  /** Not all that was recorded has come yet: playback waits for it. */
  readonly reading?: boolean;
  readonly speed?: number;
  /** Seconds; null plays every stretch at its length. */
  readonly idle?: number | null;
  readonly clock?: Clock;
}

export class Transport {
  private length: number;
  private isLive: boolean;
  private reading: boolean;
  private sticks = false;
  /** The end is what was asked for, and stays so while an ended recording is still being read. */
  private rests = false;
  private readonly clock: Clock;
  private readonly activity: readonly number[];
  private readonly listeners = new Set<() => void>();
  private time = 0;
  private rate = 1;
  private limit: number | null = null;
  private stretches: readonly Stretch[] = [];
  /** Seconds: beyond, nobody knows yet whether something happened. */
  private known = Infinity;
  private frame: number | null = null;
  private last = 0;

  constructor(options: TransportOptions) {
    this.length = options.duration;
    this.isLive = options.live ?? false;
    this.reading = options.reading ?? false;
    this.activity = options.activity;
    this.clock = options.clock ?? pageClock;
    this.speed = options.speed ?? 1;
    this.idle = options.idle ?? null;
  }

  /** Seconds of recording time. */
  get currentTime(): number {
    return this.time;
  }

  get duration(): number {
    return this.length;
  }

  get playing(): boolean {
    return this.frame !== null || this.sticks;
  }

  get ended(): boolean {
    return !this.isLive && this.time >= this.length;
  }

  /** More may come. */
  get live(): boolean {
    return this.isLive;
  }

  /** The newest is shown, and what comes is shown when it comes. */
  get following(): boolean {
    return this.sticks;
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
    this.stretches = this.idleOnes();
    this.notify();
  }

  /** Calls the listener after every change of time or state. */
  subscribe(listener: () => void): void {
    this.listeners.add(listener);
  }

  /**
   * The recording has grown, or has ended: nothing more will come.
   * @param known seconds: up to where the activity is all there is
   * @param reading not all that was recorded has come yet
   */
  extend(duration: number, live: boolean, known = Infinity, reading = false): void {
    this.length = duration;
    this.isLive = live;
    this.reading = reading;
    this.known = known;
    this.stretches = this.idleOnes();
    if (this.sticks || this.rests) {
      this.time = duration;
    }
    this.sticks &&= live;
    this.notify();
  }

  /** Catches up: shows the newest, and goes on with what comes. */
  follow(): void {
    if (!this.isLive) {
      this.toEnd();
      return;
    }
    this.stop();
    this.time = this.length;
    this.sticks = true;
    this.notify();
  }

  /** Plays on; at the end, from the start; at the newest of what is still recorded, follows. */
  play(): void {
    if (this.playing) {
      return;
    }
    if (this.isLive && this.time >= this.length) {
      this.follow();
      return;
    }
    if (this.ended) {
      this.time = 0;
    }
    this.rests = false;
    this.last = this.clock.now();
    this.frame = this.clock.request(this.tick);
    this.notify();
  }

  pause(): void {
    if (this.playing) {
      this.stop();
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

  /** Goes to a moment; what was followed is not followed any more. */
  seek(t: number): void {
    this.sticks = false;
    this.rests = false;
    this.time = Number.isFinite(t) ? Math.min(this.duration, Math.max(0, t)) : 0;
    this.notify();
  }

  /** Goes to the end, also where not all of an ended recording has come yet. */
  toEnd(): void {
    this.seek(this.length);
    this.rests = !this.isLive;
  }

  private readonly tick = (): void => {
    const now = this.clock.now();
    const seconds = Math.min(LONGEST_FRAME_S, Math.max(0, now - this.last) / 1000) * this.rate;
    this.last = now;
    const reached = this.limit === null ? this.time + seconds : advance(this.time, seconds, this.stretches, this.limit);
    this.time = Math.min(this.duration, reached);
    const arrived = this.time >= this.duration;
    this.frame = arrived && !this.waits ? null : this.clock.request(this.tick);
    this.sticks = arrived && this.isLive;
    this.notify();
  };

  private idleOnes(): readonly Stretch[] {
    return this.limit === null ? [] : idleStretches(this.activity, this.duration, this.limit).filter(({ end }) => end <= this.known);
  }

  /** At the end of what has come, of a recording that goes on. */
  private get waits(): boolean {
    return this.reading && !this.isLive;
  }

  private stop(): void {
    if (this.frame !== null) {
      this.clock.cancel(this.frame);
      this.frame = null;
    }
    this.sticks = false;
  }

  private notify(): void {
    for (const listener of this.listeners) {
      listener();
    }
  }
}
