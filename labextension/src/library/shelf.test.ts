import assert from 'node:assert/strict';
import { test } from 'node:test';

import { contentsText, elapsedText, failureOf, isCrashed, readRecording, safetyText } from './recording';
import type { Recording } from './recording';
import { Shelf, fits } from './shelf';

function recording(id: string, more: Record<string, unknown> = {}): Recording {
  const manifest = { id, name: id, tags: [], kind: 'chat', state: 'completed', started_at: 1000, ended_at: 2000, counts: {}, ...more };
  return readRecording(manifest)!;
}

const ANY = { q: '', kind: '', state: '', tag: '' };

test('what is recorded now stands first, then the newest', () => {
  const shelf = new Shelf();
  shelf.replace([
    recording('old', { started_at: 1 }),
    recording('new', { started_at: 9 }),
    recording('live', { state: 'recording', started_at: 5 }),
    recording('early', { state: 'recording', started_at: 2 })
  ]);
  assert.deepEqual(shelf.all.map(({ id }) => id), ['live', 'early', 'new', 'old']);
  assert.deepEqual(shelf.live.map(({ id }) => id), ['live', 'early']);
});

test('a change takes the place of what was known', () => {
  const shelf = new Shelf();
  shelf.put(recording('one', { state: 'recording' }));
  assert.equal(shelf.live.length, 1);
  shelf.put(recording('one'));
  assert.equal(shelf.live.length, 0);
  shelf.remove('one');
  assert.equal(shelf.size, 0);
});

test('a filter asks for all that it names', () => {
  const one = recording('one', { title: 'Évaluation', tags: ['Prod'] });
  assert.ok(fits(one, { ...ANY, q: 'éval' }));
  assert.ok(fits(one, { ...ANY, q: 'prod', kind: 'chat', tag: 'Prod' }));
  assert.ok(!fits(one, { ...ANY, tag: 'prod' }));
  assert.ok(!fits(one, { ...ANY, kind: 'terminal' }));
  assert.ok(!fits(one, { ...ANY, state: 'recovered' }));
});

test('anything that is no manifest is no recording, and odd fields do no harm', () => {
  assert.deepEqual([null, 7, [], {}, { id: '' }, { id: 3 }].map(raw => readRecording(raw)), [null, null, null, null, null, null]);
  const odd = readRecording({ id: 'x', name: 5, title: {}, tags: ['a', 1, null], kind: 'evil', counts: { a: 'b', cells: 2 }, safe: 'no', started_at: NaN })!;
  assert.deepEqual([odd.name, odd.title, odd.tags, odd.kind, odd.counts, odd.safe, odd.startedAt], ['x', '', ['a'], 'notebook', { cells: 2 }, null, 0]);
});

test('safety is told of what runs alone', () => {
  const safe = { seq: 1200, unsafe: 0 };
  assert.equal(safetyText(recording('a', { state: 'recording', safe })), 'safe up to event 1,200');
  assert.equal(safetyText(recording('a', { state: 'recording', safe: { ...safe, unsafe: 3 } })), 'safe up to event 1,200, 3 on the way');
  const failing = { safe: { ...safe, error: 'the disk is full' } };
  assert.equal(safetyText(recording('a', { state: 'recording', ...failing })), 'NOT SAFE: the disk is full');
  const named = { safe: { ...safe, error: 'a: the disk is full' } };
  assert.equal(safetyText(recording('a', { state: 'recording', ...named })), 'NOT SAFE: the disk is full');
  assert.deepEqual([failureOf(recording('a', { state: 'recording', ...failing })), failureOf(recording('a', failing))], ['the disk is full', '']);
});

test('what a dead process left is told from what timed out', () => {
  const left = (reason?: string): boolean => isCrashed(recording('a', { state: 'interrupted', ...(reason && { reason }) }));
  assert.deepEqual([left('writer_gone'), left(), left('timeout'), left('server_stopped')], [true, true, false, false]);
});

test('numbers are put into words', () => {
  assert.deepEqual([0, 42_000, 727_000, 3_723_000].map(elapsedText), ['0:00', '0:42', '12:07', '1:02:03']);
  assert.equal(contentsText({ cells: 1, messages: 1200, events: 9 }), '1 cell, 1,200 messages');
});
