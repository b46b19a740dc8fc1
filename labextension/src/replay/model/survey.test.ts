import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { CastEvent } from './cast';
import { Survey } from './survey';

const OFFSET = 3;

function event(t: number, code: string, data: string): CastEvent {
  return { t, code, data };
}

/** Of three blocks, the second one empty. */
function made(): Survey {
  const survey = new Survey(OFFSET);
  survey.note([event(0.5, 'o', 'a'), event(1, 'm', 'here'), event(1.5, 'r', '100x30')], 1, 10);
  survey.note([], 0, 10);
  survey.note([event(7, 'i', 'ls\r'), event(8, 'o', 'b')], 2, 10);
  survey.keyframes.add({ block: 0, index: 2, history: true, packed: Uint8Array.of(1, 2, 3) });
  survey.keyframes.add({ block: 2, index: 0, history: false, packed: Uint8Array.of(4) });
  return survey;
}

test('what was kept is read as it was', async () => {
  const before = made();
  const after = await Survey.restore(await before.save(), OFFSET);
  assert.deepEqual(after, before);
  assert.equal(after?.blocks, 3);
  assert.deepEqual([0, 1.4, 1.5, 7, 99].map(t => after?.blockAt(t)), [0, 0, 1, 2, 2]);
  assert.deepEqual([after?.sizeAt(1.4), after?.sizeAt(1.5)], [undefined, [100, 30]]);
});

test('its times are those of the recording that it is read for', async () => {
  const after = await Survey.restore(await made().save(), 100);
  assert.deepEqual(after?.markers, [{ t: 101, code: 'm', data: 'here' }]);
  assert.deepEqual(after?.typed, [{ t: 107, code: 'i', data: 'ls\r' }]);
  assert.equal(after?.activity[0]?.t, 100.5);
});

test('it goes on where it was', async () => {
  const [before, after] = [made(), (await Survey.restore(await made().save(), OFFSET))!];
  for (const survey of [before, after]) {
    survey.note([event(8.000001, 'o', 'too soon'), event(9, 'o', 'c')], 0, 10);
  }
  assert.deepEqual(after, before);
});

test('what it did not give is not taken', async () => {
  const saved = new Uint8Array(await made().save());
  const torn = [0, 3, 4, 20, saved.length - 1].map(length => saved.slice(0, length));
  const longer = Uint8Array.from([...saved, 0]);
  const other = saved.map((byte, at) => (at === 40 ? byte ^ 0xff : byte));
  for (const bytes of [...torn, longer, other, new Uint8Array(1000).fill(0xff)]) {
    assert.equal(await Survey.restore(bytes.buffer as ArrayBuffer, OFFSET), null);
  }
});
