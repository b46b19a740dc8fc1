/**
 * What going once through a large cast tells: where its moments are, and screens to begin from. It can be kept, and read
 * again instead of going through the cast a second time.
 */

import { parseSize } from './cast';
import type { CastEvent } from './cast';
import { countUntil } from './cursor';
import type { Timed } from './cursor';
import { Keyframes } from './keyframes';
import type { Keyframe } from './keyframes';
import { pack, unpack } from './packing';
import type { TerminalEvent } from './terminals';

// What a page would keep of all events is kept in so many steps of the whole.
const ACTIVITY_STEPS = 20_000;
const FINEST_S = 0.01;
// More of them no timeline shows; what a program printed a million times is no chapter.
const MOST_MARKERS = 5000;
const MOST_TYPED = 200_000;

type Size = readonly [cols: number, rows: number];

/** What is kept before the keyframes' own bytes. Times are seconds of the cast. */
interface Outline {
  readonly version: 1;
  /** Of each block: the time of its first event, or of the last one before where it has none, and of the last one before. */
  readonly blocks: readonly (readonly [first: number, before: number])[];
  readonly passed: number;
  readonly damaged: number;
  readonly sizes: readonly (readonly [t: number, size: Size])[];
  readonly activity: readonly number[];
  readonly markers: readonly (readonly [t: number, data: string])[];
  readonly typed: readonly (readonly [t: number, data: string])[];
  readonly spread: number;
  readonly frames: readonly (readonly [block: number, index: number, history: 0 | 1, bytes: number])[];
}

export class Survey {
  readonly markers: TerminalEvent[] = [];
  readonly typed: TerminalEvent[] = [];
  /** When something happened, in seconds of the recording, in order. */
  readonly activity: Timed[] = [];
  readonly keyframes = new Keyframes();
  damaged = 0;
  /** Of the cast: the time of the last event that was gone through. */
  passed = 0;
  private readonly known: { readonly first: number; readonly before: number }[] = [];
  private readonly sizes: { readonly t: number; readonly size: Size }[] = [];
  private active = -Infinity;

  /** @param offset seconds of the recording at which the cast began */
  constructor(private readonly offset: number) {}

  /** Blocks that were gone through. */
  get blocks(): number {
    return this.known.length;
  }

  /**
   * Takes the next block; returns what of it a timeline shows.
   *
   * @param length seconds of the cast, as far as it is known
   */
  note(events: readonly CastEvent[], damaged: number, length: number): readonly Timed[] {
    const before = this.passed;
    this.known.push({ first: events[0]?.t ?? before, before });
    this.damaged += damaged;
    const shown = this.activity.length;
    for (const { t, code, data } of events) {
      this.passed = t;
      const event = { t: t + this.offset, code, data };
      if (code === 'm' && this.markers.length < MOST_MARKERS) {
        this.markers.push(event);
      } else if (code === 'i' && this.typed.length < MOST_TYPED) {
        this.typed.push(event);
      } else if (code === 'r') {
        const size = parseSize(data);
        this.sizes.push(...(size === null ? [] : [{ t, size }]));
      }
      if (t - this.active >= Math.max(FINEST_S, length / ACTIVITY_STEPS)) {
        this.active = t;
        this.activity.push({ t: event.t });
      }
    }
    return this.activity.slice(shown);
  }

  /** The time of the last event before a block that was gone through. */
  before(block: number): number | undefined {
    return this.known[block]?.before;
  }

  /** The last block that begins at or before `now`, in seconds of the cast. */
  blockAt(now: number): number {
    let low = 0;
    let high = this.known.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.known[middle]!.first <= now) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return Math.max(0, low - 1);
  }

  /** Where the terminal was resized before, to what. */
  sizeAt(now: number): Size | undefined {
    return this.sizes[countUntil(this.sizes, now) - 1]?.size;
  }

  /** All of it, to be kept: the length of the outline, which is gzip of JSON, as 4 bytes, the outline, the keyframes. */
  async save(): Promise<ArrayBuffer> {
    const frames = this.keyframes.all;
    const ofCast = (events: readonly TerminalEvent[]): [number, string][] => events.map(({ t, data }) => [t - this.offset, data]);
    const outline: Outline = {
      version: 1,
      blocks: this.known.map(({ first, before }) => [first, before]),
      passed: this.passed,
      damaged: this.damaged,
      sizes: this.sizes.map(({ t, size }) => [t, size]),
      activity: this.activity.map(({ t }) => t - this.offset),
      markers: ofCast(this.markers),
      typed: ofCast(this.typed),
      spread: this.keyframes.spread,
      frames: frames.map(({ block, index, history, packed }) => [block, index, history ? 1 : 0, packed.length])
    };
    const head = await pack(new TextEncoder().encode(JSON.stringify(outline)));
    const saved = new Uint8Array(4 + head.length + frames.reduce((sum, { packed }) => sum + packed.length, 0));
    new DataView(saved.buffer).setUint32(0, head.length);
    saved.set(head, 4);
    let at = 4 + head.length;
    for (const { packed } of frames) {
      saved.set(packed, at);
      at += packed.length;
    }
    return saved.buffer;
  }

  /** Reads what `save` gave; null for what it did not give, or an older one did. */
  static async restore(saved: ArrayBuffer, offset: number): Promise<Survey | null> {
    try {
      const length = new DataView(saved).getUint32(0);
      const outline = JSON.parse(new TextDecoder().decode(await unpack(new Uint8Array(saved, 4, length)))) as Outline;
      return outline.version === 1 ? Survey.from(outline, new Uint8Array(saved, 4 + length), offset) : null;
    } catch {
      return null;
    }
  }

  private static from(outline: Outline, bytes: Uint8Array, offset: number): Survey | null {
    const survey = new Survey(offset);
    const timed = (code: string) => ([t, data]: readonly [number, string]): TerminalEvent => ({ t: t + offset, code, data });
    outline.blocks.forEach(([first, before]) => survey.known.push({ first, before }));
    outline.sizes.forEach(([t, size]) => survey.sizes.push({ t, size }));
    outline.activity.forEach(t => survey.activity.push({ t: t + offset }));
    outline.markers.forEach(marker => survey.markers.push(timed('m')(marker)));
    outline.typed.forEach(key => survey.typed.push(timed('i')(key)));
    [survey.passed, survey.damaged] = [outline.passed, outline.damaged];
    survey.active = outline.activity.at(-1) ?? -Infinity;
    let at = 0;
    const frames: Keyframe[] = outline.frames.map(([block, index, history, size]) => {
      // A copy, so that what goes when room runs out frees its own.
      const packed = bytes.slice(at, (at += size));
      return { block, index, history: history === 1, packed };
    });
    survey.keyframes.restore(frames, outline.spread);
    return at === bytes.length ? survey : null;
  }
}
