import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { FromFrame } from './port';
import { Ranges } from './ranges';

test('answers come to who asked, in any order, and a refusal with its reason', async () => {
  const sent: FromFrame[] = [];
  const ranges = new Ranges(message => sent.push(message));
  const read = ranges.of('a.cast');
  const [first, second] = [read(0, 5), read(5, 9)];
  assert.deepEqual(sent, [
    { type: 'read', id: 0, file: 'a.cast', start: 0, end: 5 },
    { type: 'read', id: 1, file: 'a.cast', start: 5, end: 9 }
  ]);
  const data = new ArrayBuffer(4);
  ranges.take({ type: 'bytes', id: 1, data });
  ranges.take({ type: 'bytes', id: 0, error: 'it is gone' });
  ranges.take({ type: 'bytes', id: 7, data });
  assert.equal(await second, data);
  await assert.rejects(first, /it is gone/);
});
