import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Rows } from './rows';

const rows = new Rows([
  { key: 'a', height: 30 },
  { key: 'b', height: 50 },
  { key: 'c', height: 50 }
]);

test('a row is found by any pixel of it', () => {
  assert.deepEqual([0, 29, 30, 79, 80, 129].map(pixels => rows.at(pixels)), [0, 0, 1, 1, 2, 2]);
});

test('beyond the ends stand the first row and the last', () => {
  assert.deepEqual([rows.at(-10), rows.at(10_000), new Rows([]).at(5)], [0, 2, -1]);
});

test('tops and the height are sums', () => {
  assert.deepEqual([rows.top(0), rows.top(2), rows.height], [0, 80, 130]);
  assert.deepEqual([rows.indexOf('c'), rows.indexOf('x')], [2, -1]);
});
