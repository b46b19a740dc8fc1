/**
 * Goes through a large terminal once, in the background, and leaves keyframes on its way, and the blocks themselves.
 *
 * It works in the page's own thread, a few milliseconds at a time: the frame's policy allows no workers. Whoever seeks
 * meanwhile comes first. What it leaves is kept by the host, if it can: a cast is gone through once.
 */

import type { Terminal as Xterm } from '@xterm/xterm';

import { parseSize } from './model/cast';
import type { CastEvent } from './model/cast';
import type { LargeTerminal } from './model/large-terminal';
import { pack } from './model/packing';
import { canBeTaken, takeState } from './views/screen-state';
import { makeXterm } from './views/xterm';

const BLOCKS_A_READ = 8;
// Characters of output between keyframes, looked at after each piece: what a seek has to write is never much more. At a
// block's beginning fewer are enough, since a seek then reads that block alone.
const BETWEEN = 28 * 1024;
const BETWEEN_BLOCKS = 8 * 1024;
// The same for those with the lines that scrolled away: thirty times as large.
const BETWEEN_HISTORIES = 4 * 2 ** 20;
// One for each size at most so often: what was resized draws on what had scrolled away.
const BETWEEN_SIZES = 16 * 1024;
const PIECE = 16 * 1024;
const TOLD_EVERY_MS = 1000;
const RETRY_MS = 3000;
const LONGEST_RETRY_MS = 60_000;
const SEEKING_MS = 200;

interface Found {
  readonly block: number;
  readonly index: number;
  readonly history: boolean;
  readonly state: ArrayBuffer;
}

export class Preparation {
  private readonly emulator: Xterm;
  /** Characters of output: in all, and at the last keyframe of either kind. */
  private written = 0;
  private taken = 0;
  private history = 0;
  private readonly found: Found[] = [];
  private packing: Promise<void> = Promise.resolve();
  private told = 0;

  constructor(private readonly terminal: LargeTerminal) {
    this.emulator = makeXterm(terminal);
  }

  async run(): Promise<void> {
    let patience = RETRY_MS;
    for (;;) {
      try {
        await this.goOn();
        patience = RETRY_MS;
        this.terminal.changed();
        if (!this.terminal.live) {
          return await this.last();
        }
      } catch {
        // Whoever shows the terminal says what can't be read.
        await pause(patience);
        patience = Math.min(LONGEST_RETRY_MS, patience * 2);
        continue;
      }
      await this.terminal.grown();
    }
  }

  private async goOn(): Promise<void> {
    const { terminal } = this;
    const { cast } = terminal;
    await this.yield();
    const texts = (from: number): Promise<readonly string[]> =>
      cast.texts(from, Math.min(BLOCKS_A_READ, Math.max(0, cast.wholeBlocks - from)));
    let next = texts(terminal.prepared);
    while (!terminal.isPrepared) {
      const read = await next;
      next = texts(terminal.prepared + read.length);
      // An answer that nobody waits for any more is no error.
      next.catch(() => undefined);
      for (const text of read) {
        await this.yield();
        await this.pass(text);
      }
    }
  }

  /** What begins after the last whole block needs no keyframe: a seek goes through it. */
  private async last(): Promise<void> {
    const { terminal } = this;
    await this.packing;
    if (terminal.prepared < terminal.cast.blocks) {
      const [text = ''] = await terminal.cast.texts(terminal.prepared, 1);
      const { events, damaged } = terminal.cast.parse(terminal.prepared, text, terminal.before);
      terminal.note(events, damaged);
      terminal.changed();
    }
    this.emulator.dispose();
    terminal.finished();
  }

  private async pass(text: string): Promise<void> {
    const { terminal } = this;
    const block = terminal.prepared;
    const { events, damaged } = terminal.cast.parse(block, text, terminal.before);
    this.consider(block, 0);
    await this.write(events, block);
    // Packed while the next block is gone through.
    await this.packing;
    this.packing = this.keep(block, text, this.found.splice(0));
    this.packing.catch(() => undefined);
    terminal.note(events, damaged);
    if (performance.now() - this.told > TOLD_EVERY_MS) {
      this.told = performance.now();
      terminal.changed();
    }
  }

  private async keep(block: number, text: string, found: readonly Found[]): Promise<void> {
    for (const { state, ...place } of found) {
      this.terminal.keyframes.add({ ...place, packed: await pack(state) });
    }
    await this.terminal.cast.keep(block, text);
  }

  private async write(events: readonly CastEvent[], block: number): Promise<void> {
    let piece: string[] = [];
    let size = 0;
    const flush = (index: number, done?: () => void): void => {
      const length = size;
      this.emulator.write(piece.join(''), () => {
        this.written += length;
        this.consider(block, index);
        done?.();
      });
      [piece, size] = [[], 0];
    };
    for (const [index, { code, data }] of events.entries()) {
      if (code === 'o') {
        piece.push(data);
        size += data.length;
        if (size >= PIECE) {
          flush(index + 1);
        }
      } else if (code === 'r') {
        const to = parseSize(data);
        if (to !== null) {
          await new Promise<void>(done => flush(index, done));
          this.beforeSize(block, index);
          this.emulator.resize(...to);
        }
      }
    }
    await new Promise<void>(done => flush(events.length, done));
  }

  private consider(block: number, index: number): void {
    const { cols, rows } = this.emulator;
    // A huge screen is not to cost more than what is printed on it.
    const between = Math.max(index === 0 ? BETWEEN_BLOCKS : BETWEEN, cols * rows * 6) * this.terminal.keyframes.spread;
    const history = this.written - this.history >= BETWEEN_HISTORIES;
    if ((history || this.written - this.taken >= between) && canBeTaken(this.emulator)) {
      this.take(block, index, history);
    }
  }

  private beforeSize(block: number, index: number): void {
    const recent = this.history === this.taken && this.written - this.history < BETWEEN_SIZES;
    if (!recent && canBeTaken(this.emulator)) {
      this.take(block, index, true);
    }
  }

  private take(block: number, index: number, history: boolean): void {
    this.taken = this.written;
    this.history = history ? this.written : this.history;
    this.found.push({ block, index, history, state: takeState(this.emulator, history) });
  }

  /** Others' turn; while somebody seeks, for longer. */
  private async yield(): Promise<void> {
    do {
      await pause(performance.now() - this.terminal.sought < SEEKING_MS ? SEEKING_MS / 4 : 0);
    } while (performance.now() - this.terminal.sought < SEEKING_MS);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => window.setTimeout(resolve, milliseconds));
}
