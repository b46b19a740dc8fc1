import assert from 'node:assert/strict';
import { test } from 'node:test';

import { countUntil, Cursor } from './cursor';

const events = [1, 2, 2, 5, 9].map(t => ({ t }));

const list = {
  initial: (): number[] => [],
  step: (state: number[], _event: unknown, index: number) => void state.push(index),
  copy: (state: number[]) => state.slice()
};

test('an event counts from its very time on', () => {
  assert.deepEqual([0.9, 1, 2, 4.9, 100].map(t => countUntil(events, t)), [0, 1, 3, 3, 5]);
});

test('any order of moments gives the state that going there directly gives', () => {
  const cursor = new Cursor(events, list);
  for (const t of [9, 2, 0, 5, 4, 9, 1, 1]) {
    const expected = Array.from({ length: countUntil(events, t) }, (_, index) => index);
    assert.deepEqual(cursor.at(t), expected);
  }
});

test('going forward steps over each event once', () => {
  let steps = 0;
  const cursor = new Cursor(events, { initial: () => null, step: () => void (steps += 1), copy: state => state });
  for (let t = 0; t < 10; t += 0.1) {
    cursor.at(t);
  }
  assert.equal(steps, events.length);
});

test('a seek in a long recording steps over few events, and gives the same state', () => {
  const many = Array.from({ length: 100_000 }, (_, t) => ({ t }));
  let steps = 0;
  const counting = { initial: () => ({ sum: 0 }), step: (state: { sum: number }, _: unknown, index: number) => void (steps++, (state.sum += index)), copy: (state: { sum: number }) => ({ ...state }) };
  const cursor = new Cursor(many, counting);
  cursor.at(99_999);
  for (const t of [50_000, 20, 99_000, 70_001]) {
    steps = 0;
    assert.equal(cursor.at(t).sum, (t * (t + 1)) / 2);
    assert.ok(steps <= 8192, `${steps} steps to ${t}`);
  }
});
