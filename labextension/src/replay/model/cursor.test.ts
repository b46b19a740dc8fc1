import assert from 'node:assert/strict';
import { test } from 'node:test';

import { countUntil, Cursor } from './cursor';

const events = [1, 2, 2, 5, 9].map(t => ({ t }));

test('an event counts from its very time on', () => {
  assert.deepEqual([0.9, 1, 2, 4.9, 100].map(t => countUntil(events, t)), [0, 1, 3, 3, 5]);
});

test('any order of moments gives the state that going there directly gives', () => {
  const cursor = new Cursor(events, () => [] as number[], (state, _event, index) => void state.push(index));
  for (const t of [9, 2, 0, 5, 4, 9, 1, 1]) {
    const expected = Array.from({ length: countUntil(events, t) }, (_, index) => index);
    assert.deepEqual(cursor.at(t), expected);
  }
});

test('going forward steps over each event once', () => {
  let steps = 0;
  const cursor = new Cursor(events, () => null, () => void (steps += 1));
  for (let t = 0; t < 10; t += 0.1) {
    cursor.at(t);
  }
  assert.equal(steps, events.length);
});
