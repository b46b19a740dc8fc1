import assert from 'node:assert/strict';
import { test } from 'node:test';

import { advance, idleStretches } from './idle';

const STRETCHES = [{ start: 10, end: 110 }];

test('a stretch without events beyond the limit is idle, at both ends too', () => {
  assert.deepEqual(idleStretches([5, 6, 30], 50, 4), [
    { start: 0, end: 5 },
    { start: 6, end: 30 },
    { start: 30, end: 50 }
  ]);
});

test('what is as long as the limit is not idle', () => {
  assert.deepEqual(idleStretches([4, 8], 8, 4), []);
});

test('an idle stretch passes in the limit, and play goes on at its own pace', () => {
  assert.equal(advance(9, 1, STRETCHES, 2), 10);
  assert.equal(advance(9, 2, STRETCHES, 2), 60);
  assert.equal(advance(9, 3, STRETCHES, 2), 110);
  assert.equal(advance(9, 3.5, STRETCHES, 2), 110.5);
});

test('small steps reach what one large step reaches', () => {
  let now = 0;
  for (let step = 0; step < 1300; step += 1) {
    now = advance(now, 0.01, STRETCHES, 2);
  }
  assert.ok(Math.abs(now - advance(0, 13, STRETCHES, 2)) < 1e-6);
});

test('from within an idle stretch the rest passes in its share of the limit', () => {
  assert.equal(advance(60, 1, STRETCHES, 2), 110);
});
