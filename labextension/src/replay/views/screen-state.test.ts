import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Terminal } from '@xterm/headless';

import { DamagedState, canBeTaken, putState, takeState } from './screen-state';

type Step = string | [cols: number, rows: number];

function emulator(cols = 30, rows = 8): Terminal {
  return new Terminal({ cols, rows, scrollback: 40, allowProposedApi: true });
}

async function play(steps: readonly Step[], on = emulator()): Promise<Terminal> {
  const written = (): Promise<void> => new Promise(done => on.write('', done));
  for (const step of steps) {
    if (typeof step === 'string') {
      on.write(step);
    } else {
      await written();
      on.resize(...step);
    }
  }
  await written();
  return on;
}

/** A difference of so many bytes says nothing to a reader, and takes minutes to be drawn. */
function same(actual: ArrayBuffer, expected: ArrayBuffer, seed = 0): void {
  assert.ok(Buffer.from(actual).equals(Buffer.from(expected)), `seed ${seed}`);
}

/** The same on every run. */
function randoms(seed: number): (below: number) => number {
  let state = seed;
  return below => (state = (state * 48271) % 2147483647) % below;
}

const PIECES: ((n: (below: number) => number) => string)[] = [
  n => 'words and more words '.slice(0, 1 + n(20)),
  () => '\r\n',
  () => '日本 é e\u0301 👩‍🚀',
  n => `\x1b[${n(9)};${30 + n(8)};${40 + n(8)}m`,
  n => `\x1b[38;2;${n(255)};${n(255)};9m\x1b[4:3m\x1b[58;5;${n(255)}m`,
  n => `\x1b[${n(9)};${n(32)}H`,
  n => `\x1b[${1 + n(4)};${4 + n(5)}r`,
  () => '\x1b[r',
  n => ['\x1b7', '\x1b8', '\x1b[s', '\x1b[u'][n(4)]!,
  n => ['\x1b(0lqqk\x1b(B', '\x1b(0', '\x1b(B', '\x0e', '\x0f', '\x1b)0'][n(6)]!,
  n => ['\x1bH', '\x1b[3g', '\t', '\x1b[g'][n(4)]!,
  n => ['\x1b[?6h', '\x1b[?6l', '\x1b[?7l', '\x1b[?7h', '\x1b[4h', '\x1b[4l', '\x1b[?25l', '\x1b[?25h', '\x1b[?45h'][n(9)]!,
  n => ['\x1b[?1049h', '\x1b[?1049l', '\x1b[?47h', '\x1b[?47l'][n(4)]!,
  n => ['\x1b[2J', '\x1b[K', '\x1b[1J', '\x1b[3J', '\x1b[X', '\x1b[P', '\x1b[@'][n(7)]!,
  n => ['\x1b[L', '\x1b[M', '\x1b[S', '\x1b[T', '\x1bM', '\x1bD', '\n\n\n'][n(7)]!,
  n => `x\x1b[${1 + n(9)}b`
];

function stream(seed: number, resizes: boolean): Step[] {
  const random = randoms(seed);
  return Array.from({ length: 120 }, () => {
    const at = random(PIECES.length + (resizes ? 1 : 0));
    return at < PIECES.length ? PIECES[at]!(random) : [20 + random(20), 5 + random(6)];
  });
}

test('what was restored goes on like what was never cut, history and all', async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const steps = stream(seed, true);
    const cut = (seed * 7) % steps.length;
    const before = await play(steps.slice(0, cut));
    assert.ok(canBeTaken(before));
    const restored = emulator(7, 3);
    putState(restored, takeState(before, true));
    const [whole, rest] = [await play(steps.slice(cut), before), await play(steps.slice(cut), restored)];
    same(takeState(rest, true), takeState(whole, true), seed);
  }
});

test('without its history the screen goes on the same, as long as its size stays', async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const steps = stream(seed, false);
    const cut = (seed * 11) % steps.length;
    const before = await play(steps.slice(0, cut));
    const restored = emulator(7, 3);
    putState(restored, takeState(before, false));
    const [whole, rest] = [await play(steps.slice(cut), before), await play(steps.slice(cut), restored)];
    same(takeState(rest, false), takeState(whole, false), seed);
  }
});

test('an emulator that showed something else before is brought to the same', async () => {
  const state = takeState(await play(stream(5, true)), true);
  const used = await play([...stream(6, true), '\x1bc']);
  putState(used, state);
  same(takeState(used, true), state);
});

test('inside an escape nothing is taken', async () => {
  assert.ok(!canBeTaken(await play(['abc\x1b[3'])));
  assert.ok(!canBeTaken(await play(['\x1b]0;title'])));
  assert.ok(canBeTaken(await play(['\x1b]0;title\x07'])));
});

test('bytes that are no keyframe, or half of one, are refused', async () => {
  const state = takeState(await play(['hello']), false);
  for (const bytes of [new ArrayBuffer(0), new ArrayBuffer(64), state.slice(0, state.byteLength - 4)]) {
    assert.throws(() => putState(emulator(), bytes), DamagedState);
  }
});
