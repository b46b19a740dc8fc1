/**
 * A terminal whose cast is read block by block.
 *
 * A preparation goes through the cast once and leaves keyframes (`note`, `keyframes`), or has done so for an earlier reader
 * (`Survey`). A moment that it has passed is shown as it was; one that it has not is shown from what was printed shortly
 * before, and counts as not exact.
 */

import type { CastEvent, Header } from './cast';
import type { CastFile } from './cast-file';
import { countUntil } from './cursor';
import type { Timed } from './cursor';
import type { JournalEvent } from './journal';
import { isBefore } from './keyframes';
import type { Keyframes, Place } from './keyframes';
import { unpack } from './packing';
import { Survey } from './survey';
import { CastTerminal } from './terminals';
import type { Spot, Terminal, TerminalEvent, Way } from './terminals';

const KEPT_BLOCKS = 6;
// As far as a screen is moved on rather than begun anew.
const STRIDE_BLOCKS = 2;
// From so far back a moment is shown that nobody has gone through: for logs and programs that repaint, that is all of it.
const BEFORE_BLOCKS = 2;
// What a few sums and differences of times lose, as a share of the largest.
const ROUNDING = 4 * Number.EPSILON;

export class LargeTerminal extends CastTerminal implements Terminal {
  /** Read on demand. */
  readonly events: readonly TerminalEvent[] = [];
  /** More may come. */
  live = false;
  /** When somebody last went somewhere, by `performance.now`: they come first. */
  sought = -Infinity;
  /** Told when something happened, in seconds of the recording, in order. */
  learnt: (activity: readonly Timed[]) => void = () => undefined;
  /** Told now and then that there is more to show. */
  changed: () => void = () => undefined;
  private readonly cache = new Map<number, Promise<CastEvent[]>>();
  /** Of the cast: the last event's time. */
  private length = 0;
  /** Told once, when all of it is prepared and nothing more will come. */
  finished: () => void = () => undefined;
  private wake: () => void = () => undefined;

  private constructor(
    file: string,
    readonly cast: CastFile,
    protected override readonly header: Header,
    start: JournalEvent | undefined,
    offset: number,
    private readonly survey: Survey,
    /** It was prepared when it was opened. */
    readonly restored: boolean
  ) {
    super(file, header, start, offset);
  }

  /**
   * Reads its beginning and its end. Raises InvalidCast for what is no cast, and what the host said where it can't be read.
   *
   * @param saved what `save` gave for the same cast, which then is prepared already
   */
  static async open(
    file: string,
    cast: CastFile,
    start: JournalEvent | undefined,
    offset: number,
    saved?: ArrayBuffer
  ): Promise<LargeTerminal> {
    // The end is what is shown first.
    [0, cast.blocks - 3, cast.blocks - 2, cast.blocks - 1].forEach(block => cast.prefetch(block));
    const earlier = saved === undefined ? null : await Survey.restore(saved, offset);
    const restored = earlier?.blocks === cast.blocks ? earlier : null;
    const header = await cast.header();
    const terminal = new LargeTerminal(file, cast, header, start, offset, restored ?? new Survey(offset), restored !== null);
    terminal.length = terminal.before;
    await terminal.measure();
    return terminal;
  }

  get markers(): readonly TerminalEvent[] {
    return this.survey.markers;
  }

  get typed(): readonly TerminalEvent[] {
    return this.survey.typed;
  }

  /** When something happened, as far as it is prepared, in seconds of the recording, in order. */
  get activity(): readonly Timed[] {
    return this.survey.activity;
  }

  get damaged(): number {
    return this.survey.damaged;
  }

  get keyframes(): Keyframes {
    return this.survey.keyframes;
  }

  get begins(): number {
    return this.offset;
  }

  /** Seconds of the recording: when its last event came. */
  get ends(): number {
    return this.offset + this.length;
  }

  /** Seconds of the recording: up to where all is known. */
  get known(): number {
    return this.isPrepared ? Infinity : this.offset + this.survey.passed;
  }

  /** Blocks that are prepared. */
  get prepared(): number {
    return this.survey.blocks;
  }

  get isPrepared(): boolean {
    return this.prepared >= this.cast.wholeBlocks;
  }

  get share(): number {
    return this.isPrepared ? 1 : this.prepared / this.cast.wholeBlocks;
  }

  /** There is more of it now. */
  async grow(size: number): Promise<void> {
    if (size > this.cast.size) {
      this.cache.delete(this.cast.wholeBlocks);
      this.cast.grow(size);
      await this.measure();
      this.learnt([{ t: this.ends }]);
      this.changed();
      this.wake();
    }
  }

  stop(): void {
    this.live = false;
    this.wake();
  }

  /** Resolves when there is more of it, or will be nothing more. */
  grown(): Promise<void> {
    return new Promise(resolve => (this.wake = resolve));
  }

  /** Takes a block that was gone through; in order. */
  note(events: readonly CastEvent[], damaged: number): void {
    const activity = this.survey.note(events, damaged, this.length);
    this.length = Math.max(this.length, this.survey.passed);
    this.learnt(activity);
  }

  /** What `open` takes, once it is prepared: see `Survey`. */
  save(): Promise<ArrayBuffer> {
    return this.survey.save();
  }

  /** The time of the last event before the block that is prepared next. */
  get before(): number {
    return this.survey.passed;
  }

  async way(from: Spot | null, t: number, history = false): Promise<Way> {
    const now = this.castTime(t);
    this.sought = from === null ? performance.now() : this.sought;
    const block = now < this.before || this.isPrepared ? this.blockAt(now) : await this.search(now);
    const index = countUntil(await this.eventsOf(block), now);
    // What is shortly before one of the first blocks is all there is.
    const exact = block <= Math.max(BEFORE_BLOCKS, this.prepared);
    const to: Spot = { block, index, exact };
    const goesOn = from !== null && (from.exact || !exact) && !history && !isBefore(to, from) && block - from.block <= STRIDE_BLOCKS;
    if (goesOn) {
      return { begin: null, events: await this.between(from, to), to, history: false };
    }
    this.sought = performance.now();
    if (!exact) {
      const begin = { block: Math.max(0, block - BEFORE_BLOCKS), index: 0 };
      return { begin: { size: this.sizeAt(now), state: null }, events: await this.between(begin, to), to, history: true };
    }
    const frame = this.keyframes.nearest(to, history);
    const state = frame === undefined ? null : await unpack(frame.packed);
    const events = await this.between(frame ?? { block: 0, index: 0 }, to);
    return { begin: { size: [this.cols, this.rows], state }, events, to, history: frame?.history ?? true };
  }

  /**
   * Seconds of the cast at a moment of the recording. What is added and taken away again comes out a little less for many
   * times, and an event is to be there at its own moment.
   */
  private castTime(t: number): number {
    return t - this.offset + Math.abs(t) * ROUNDING;
  }

  private async between(from: Place, to: Place): Promise<CastEvent[]> {
    const blocks = Array.from({ length: to.block - from.block + 1 }, (_, at) => this.eventsOf(from.block + at));
    const parts = await Promise.all(blocks);
    const last = parts.length - 1;
    return parts.flatMap((events, at) => events.slice(at === 0 ? from.index : 0, at === last ? to.index : undefined));
  }

  private eventsOf(block: number): Promise<CastEvent[]> {
    const events = this.cache.get(block) ?? this.cast.events(block, this.survey.before(block) ?? (block === this.prepared ? this.before : 0));
    this.cache.delete(block);
    this.cache.set(block, events);
    events.catch(() => this.cache.delete(block));
    if (this.cache.size > KEPT_BLOCKS) {
      this.cache.delete(this.cache.keys().next().value!);
    }
    return events;
  }

  /** The block of the last event at or before `now`, among those that are prepared and the one after them. */
  private blockAt(now: number): number {
    return now >= this.before ? Math.min(this.prepared, Math.max(0, this.cast.blocks - 1)) : this.survey.blockAt(now);
  }

  /** The same among blocks that nobody has gone through: guessed by time, then halved. */
  private async search(now: number): Promise<number> {
    if (this.header.relative) {
      // A block alone does not tell its time.
      return this.prepared;
    }
    let [low, lowT] = [this.prepared, this.before];
    let [high, highT] = [this.cast.blocks - 1, this.length];
    for (let guesses = 0; low < high; guesses += 1) {
      const share = guesses % 3 === 2 ? 0.5 : (now - lowT) / Math.max(1e-9, highT - lowT);
      let probe = Math.min(high, Math.max(low + 1, low + Math.floor(share * (high - low + 1))));
      const asked = probe;
      let events = await this.eventsOf(probe);
      while (events.length === 0 && probe < high) {
        probe += 1;
        events = await this.eventsOf(probe);
      }
      const first = events[0]?.t ?? Infinity;
      const last = events.at(-1)?.t ?? Infinity;
      if (now < first) {
        [high, highT] = [asked - 1, Math.min(first, this.length)];
      } else if (now < last) {
        return probe;
      } else {
        [low, lowT] = [probe, last];
      }
    }
    return low;
  }

  private sizeAt(now: number): readonly [number, number] {
    return this.survey.sizeAt(now) ?? [this.cols, this.rows];
  }

  /** Finds out how long it is: version 3 does not tell before all of it was read. */
  private async measure(): Promise<void> {
    if (this.header.relative) {
      return;
    }
    for (let block = this.cast.blocks - 1; block >= this.prepared; block -= 1) {
      const last = (await this.eventsOf(block)).at(-1);
      if (last !== undefined) {
        this.length = Math.max(this.length, last.t);
        return;
      }
    }
  }
}
