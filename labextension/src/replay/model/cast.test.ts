import assert from 'node:assert/strict';
import { test } from 'node:test';

import { InvalidCast, parseCast, parseSize } from './cast';

const cast = (...lines: unknown[]): string => lines.map(line => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
const V2 = { version: 2, width: 100, height: 30 };

test('version 2 has absolute times', () => {
  const { cols, rows, events } = parseCast(cast(V2, [1, 'o', 'a'], [2.5, 'o', 'b']));
  assert.deepEqual([cols, rows], [100, 30]);
  assert.deepEqual(events.map(event => event.t), [1, 2.5]);
});

test('version 3 has intervals, comments and its size under term', () => {
  const text = cast({ version: 3, term: { cols: 90, rows: 20 } }, [1, 'o', 'a'], '# comment', [0.5, 'x', '0']);
  const { cols, rows, events, damaged } = parseCast(text);
  assert.deepEqual([cols, rows], [90, 20]);
  assert.deepEqual(events.map(event => event.t), [1, 1.5]);
  assert.equal(damaged, 0);
});

test('a torn last line is damage and no event', () => {
  const { events, damaged } = parseCast(cast(V2, [1, 'o', 'a'], '[2, "o", "b'));
  assert.equal(events.length, 1);
  assert.equal(damaged, 1);
});

test('times that go back or are absurd do not move the clock', () => {
  const { events, damaged } = parseCast(cast(V2, [2, 'o', 'a'], [1, 'o', 'b'], [-5, 'o', 'c'], '[1e308, "o", "d"]', [null, 'o', 'e']));
  assert.deepEqual(events.map(event => event.t), [2, 2, 2]);
  assert.equal(damaged, 2);
});

test('what has no header of a known version is refused', () => {
  for (const text of ['', 'hello', '[]', '{"version": 1, "width": 80, "height": 24}']) {
    assert.throws(() => parseCast(text), InvalidCast);
  }
});

test('a size that no terminal has becomes 80 by 24', () => {
  const { cols, rows } = parseCast(cast({ version: 2, width: 1e9, height: '24' }));
  assert.deepEqual([cols, rows], [80, 24]);
});

test('a resize is only taken within bounds', () => {
  assert.deepEqual(parseSize('120x40'), [120, 40]);
  for (const data of ['0x0', '99999999x1', '80', '-1x5', '80x24x2', '1e3x10']) {
    assert.equal(parseSize(data), null);
  }
});

test('a theme is taken where it is colours', () => {
  const palette = Array(8).fill('#112233').join(':');
  const { theme } = parseCast(cast({ ...V2, theme: { fg: '#ffffff', bg: 'url(x)', palette } }));
  assert.deepEqual(theme, { fg: '#ffffff', palette: Array(8).fill('#112233') });
});
