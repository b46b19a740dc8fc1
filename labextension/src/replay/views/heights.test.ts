import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Heights } from './heights';

test('sums and look-up are those of the plain list', () => {
  const heights = new Heights(10);
  heights.resize(200);
  const plain = Array.from({ length: 200 }, () => 10);
  for (const [index, height] of [[0, 30], [7, 4], [199, 11], [64, 100], [7, 9]] as const) {
    heights.set(index, height);
    plain[index] = height;
  }
  let sum = 0;
  plain.forEach((height, index) => {
    assert.equal(heights.top(index), sum);
    assert.equal(heights.at(sum), index);
    assert.equal(heights.at(sum + height - 0.5), index);
    sum += height;
  });
  assert.deepEqual([heights.top(200), heights.at(1e9)], [sum, 199]);
});

test('what was measured stays while the list is shorter for a while', () => {
  const heights = new Heights(10);
  heights.resize(5);
  heights.set(4, 50);
  heights.resize(2);
  assert.deepEqual([heights.top(2), heights.at(1e9)], [20, 1]);
  heights.resize(1000);
  assert.equal(heights.top(5), 90);
});

test('the guess follows what was measured', () => {
  const heights = new Heights(10);
  heights.resize(100);
  heights.set(0, 100);
  heights.learn();
  assert.equal(heights.top(100), 10_000);
});
