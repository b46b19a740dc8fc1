import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Keyframes } from './keyframes';
import { pack, unpack } from './packing';

const frame = (block: number, index: number, history = false, size = 10) => ({ block, index, history, packed: new Uint8Array(size) });

test('the nearest is the last at or before a place', () => {
  const frames = new Keyframes();
  [frame(0, 5, true), frame(0, 9), frame(2, 0), frame(4, 1, true)].forEach(one => frames.add(one));
  const near = (block: number, index: number, history = false): (number | undefined)[] => {
    const found = frames.nearest({ block, index }, history);
    return [found?.block, found?.index];
  };
  assert.deepEqual(near(0, 4), [undefined, undefined]);
  assert.deepEqual([near(0, 5), near(0, 8), near(1, 0), near(2, 0), near(9, 9)], [[0, 5], [0, 5], [0, 9], [2, 0], [4, 1]]);
  assert.deepEqual([near(3, 0, true), near(4, 1, true)], [[0, 5], [4, 1]]);
});

test('when there is no more room, every second one goes', () => {
  const frames = new Keyframes();
  for (let block = 0; block < 50; block += 1) {
    frames.add(frame(block, 0, false, 2 ** 20));
  }
  const total = frames.all.reduce((sum, { packed }) => sum + packed.length, 0);
  assert.ok(total <= 20 * 2 ** 20 && frames.spread > 1);
  assert.equal(frames.all[0]!.block, 0);
});

test('what was packed comes back', async () => {
  const bytes = new Uint8Array([1, 2, 3, 250]).buffer;
  assert.deepEqual(new Uint8Array(await unpack(await pack(bytes))), new Uint8Array(bytes));
});
