import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseJournal } from './journal';

const NONE = (): undefined => undefined;
const line = (fields: object): string => `${JSON.stringify(fields)}\n`;

test('events come back in order, without header and footer', () => {
  const text = line({ type: 'header', name: 'x' }) + line({ seq: 1, at: 5, type: 'note', text: 'a' }) + line({ type: 'footer', at: 6 });
  const { events, header, damaged } = parseJournal(text, NONE);
  assert.deepEqual(events, [{ seq: 1, at: 5, type: 'note', text: 'a' }]);
  assert.equal(header.name, 'x');
  assert.equal(damaged, 0);
});

test('a damaged line costs only itself', () => {
  const good = line({ at: 1, type: 'note' });
  const bad = ['{"at": 1', '[1]', '{"at": 1}', '{"at": "1", "type": "note"}', '{"at": 1e300, "type": "note"}', 'null'];
  const { events, damaged } = parseJournal(good + bad.join('\n') + '\n' + good, NONE);
  assert.equal(events.length, 2);
  assert.equal(damaged, bad.length);
});

test('only LF ends a line', () => {
  const { events, damaged } = parseJournal(line({ at: 1, type: 'note', text: 'a\u2028b\u0085c' }), NONE);
  assert.equal(events[0]?.text, 'a\u2028b\u0085c');
  assert.equal(damaged, 0);
});

test('time never goes back', () => {
  const { events } = parseJournal(line({ at: 9, type: 'note' }) + line({ at: 4, type: 'note' }), NONE);
  assert.deepEqual(events.map(event => event.at), [9, 9]);
});

test('a blob takes its place as text, or as JSON where its type says so', () => {
  const blobs = (sha: string): string | undefined => ({ a: 'long text', b: '{"n":1}' })[sha];
  const data = {
    'text/plain': { blob: 'a', size: 9, mime: 'text/plain' },
    'application/geo+json': { blob: 'b', size: 7, mime: 'application/geo+json' }
  };
  const { events } = parseJournal(line({ at: 1, type: 'output', output: { data } }), blobs);
  assert.deepEqual(events[0]?.output, { data: { 'text/plain': 'long text', 'application/geo+json': { n: 1 } } });
});

test('a blob that is not there says how much is missing', () => {
  const source = { blob: 'gone', size: 70000, mime: 'text/plain' };
  const { events } = parseJournal(line({ at: 1, type: 'cell_start', source }), NONE);
  assert.equal(events[0]?.source, '[70000 bytes are not in this replay]');
});

test('a key named __proto__ changes no prototype', () => {
  parseJournal('{"at":1,"type":"note","__proto__":{"polluted":{"blob":"a","size":1,"mime":"text/plain"}}}\n', NONE);
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
});
