import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readFromFrame, readToFrame } from './port';

const STATE = { type: 'state', currentTime: 1, duration: 2, playing: false, speed: 1, following: false, obeyed: 0 };

test('a frame is heard for what it may say, and nothing more of it is taken', () => {
  assert.deepEqual(readFromFrame({ ...STATE, html: '<b>' }), STATE);
  assert.deepEqual(readFromFrame({ type: 'moment', t: 3, href: 'x' }), { type: 'moment', t: 3 });
  const read = { type: 'read', id: 1, file: 'terminal.cast', start: 0, end: 10 };
  assert.deepEqual(readFromFrame(read), read);
});

test('what a hostile frame says is nothing', () => {
  const read = { type: 'read', id: 1, file: 'a.cast', start: 0, end: 10 };
  const hostile: unknown[] = [
    ...[null, 7, 'ready', [], {}, { type: '__proto__' }, { type: 'eval', code: 'x' }],
    ...[{ ...STATE, currentTime: NaN }, { ...STATE, duration: -1 }, { ...STATE, speed: '1' }, { ...STATE, playing: 1 }],
    ...['../x', '/etc/passwd', '.hidden', 'a/b', 'a\0', '', 'x'.repeat(300), 7].map(file => ({ ...read, file })),
    ...[{ ...read, start: 10 }, { ...read, start: -1 }, { ...read, end: 1e12 }, { ...read, end: 1.5 }, { ...read, id: 'x' }],
    ...[{ type: 'moment', t: Infinity }, { type: 'keep', file: 'a.cast', data: 'x' }, { type: 'keep', file: '..', data: new ArrayBuffer(1) }]
  ];
  assert.deepEqual(hostile.map(readFromFrame), hostile.map(() => null));
});

test('a host is heard for messages of the right types', () => {
  const good = [
    { type: 'open', manifest: {}, options: {}, live: true, large: [{ name: 'a.cast', size: 3 }] },
    { type: 'append', file: 'session.ndjson', text: '{}\n', from: 1 },
    { type: 'control', n: 1, action: 'seek', value: 2 },
    { type: 'bytes', id: 1, data: new ArrayBuffer(2) },
    { type: 'bytes', id: 1, error: 'gone' },
    { type: 'grown', file: 'a.cast', size: 9 }
  ];
  assert.deepEqual(good.map(readToFrame), good);
  const bad: unknown[] = [
    ...[null, {}, { type: 'open', manifest: null, options: {}, live: true }, { type: 'append', file: 'a', text: 7 }],
    ...[{ type: 'append', file: 'a', text: '', from: -1 }, { type: 'control', n: 1, action: 'quit' }, { type: 'control', action: 'play' }],
    ...[{ type: 'bytes', id: 1 }, { type: 'control', n: 1, action: 'seek', value: NaN }],
    ...[{ type: 'grown', file: 'a.cast', size: -1 }, { type: 'grown', size: 1 }],
    { type: 'open', manifest: {}, options: {}, live: true, large: [{ name: 'a', size: 'x' }] }
  ];
  assert.deepEqual(bad.map(readToFrame), bad.map(() => null));
});
