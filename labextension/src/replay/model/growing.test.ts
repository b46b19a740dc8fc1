import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Cursor } from './cursor';
import { GrowingRecording, parseRecording } from './recording';

const lines = (...values: unknown[]): string => values.map(value => `${JSON.stringify(value)}\n`).join('');
const marker = (seq: number, at: number): object => ({ seq, at, type: 'marker', label: `m${seq}` });
const HEADER = { version: 2, width: 80, height: 24 };
const START = { seq: 1, at: 1000, type: 'terminal_start', track: 'terminal', file: 'terminal.cast' };

function live(): GrowingRecording {
  return new GrowingRecording({ started_at: 1000, state: 'recording' }, true);
}

test('what is appended line by line is what is read as a whole', () => {
  const journal = [START, marker(2, 1500), marker(3, 2500)];
  const cast = [HEADER, [0.1, 'o', 'a'], [1, 'm', 'mark'], [3, 'o', 'b']];
  const whole = parseRecording({ manifest: { started_at: 1000 }, journal: lines(...journal), casts: { 'terminal.cast': lines(...cast) } });
  const grown = live();
  journal.forEach(line => grown.append('session.ndjson', lines(line)));
  cast.forEach((line, index) => grown.append('terminal.cast', lines(line), index));
  const shown = ({ events, activity, duration, chapters, tracks }: GrowingRecording): unknown => ({ events, activity, duration, chapters, tracks });
  assert.deepEqual(shown(grown), shown(whole));
  assert.deepEqual(grown.terminals[0]?.events, whole.terminals[0]?.events);
});

test('lines that came already are dropped, in the journal by their number and in a cast by their index', () => {
  const recording = live();
  recording.append('session.ndjson', lines(START, marker(2, 1500)));
  recording.append('session.ndjson', lines(marker(2, 1500), marker(3, 1600)));
  assert.deepEqual(recording.events.map(({ event }) => event.seq), [1, 2, 3]);
  recording.append('terminal.cast', lines(HEADER, [0, 'o', 'a'], [1, 'o', 'b']), 0);
  recording.append('terminal.cast', lines([1, 'o', 'b'], [2, 'o', 'c']), 2);
  recording.append('terminal.cast', lines([2, 'o', 'c']), 3);
  assert.deepEqual(recording.terminals[0]?.events.map(({ data }) => data), ['a', 'b', 'c']);
});

test('lines that did not come over a connection are a gap that is seen', () => {
  const recording = live();
  recording.append('session.ndjson', lines(START, marker(4, 1500)));
  recording.append('terminal.cast', lines(HEADER, [0, 'o', 'a']), 0);
  recording.append('terminal.cast', lines([9, 'o', 'z']), 5);
  const gaps = recording.chapters.filter(({ kind }) => kind === 'gap').map(({ label }) => label);
  assert.deepEqual(gaps, ['Gap: 2 events are missing (not received)', 'Gap: 3 events are missing (not received)']);
});

test('a cursor that stands at the newest goes on with what comes', () => {
  const recording = live();
  const cursor = new Cursor<{ t: number }, string[]>(recording.events, {
    initial: () => [],
    step: (state, _, index) => void state.push(String(index)),
    copy: state => state.slice()
  });
  recording.append('session.ndjson', lines(marker(1, 1500)));
  assert.deepEqual(cursor.at(recording.duration), ['0']);
  recording.append('session.ndjson', lines(marker(2, 2500)));
  assert.deepEqual(cursor.at(recording.duration), ['0', '1']);
});

test('a track appears with its first event, and the end of a terminal with its own', () => {
  const recording = live();
  assert.deepEqual(recording.tracks, []);
  recording.append('session.ndjson', lines(START));
  recording.append('terminal.cast', lines(HEADER), 0);
  recording.append('session.ndjson', lines({ seq: 2, at: 2000, type: 'message_add', message_id: 'a', content: 'x' }));
  assert.deepEqual(recording.tracks.map(({ kind }) => kind), ['terminal', 'chat']);
  recording.append('session.ndjson', lines({ seq: 3, at: 3000, type: 'terminal_end', track: 'terminal', exit_code: 0 }));
  assert.deepEqual(recording.terminals[0]?.end, { t: 2, exitCode: 0 });
});

test('a cast that comes before the line that says when it began waits for it', () => {
  const recording = live();
  recording.append('session.ndjson', lines(marker(1, 1500)));
  recording.append('terminal.cast', lines(HEADER), 0);
  recording.append('terminal.cast', lines([0.5, 'o', 'a']), 1);
  assert.equal(recording.terminals.length, 0);
  recording.append('session.ndjson', lines({ ...START, seq: 2, at: 4000 }));
  recording.append('terminal.cast', lines([1, 'o', 'b']), 2);
  assert.deepEqual(recording.terminals[0]?.events.map(({ t, data }) => [t, data]), [[3.5, 'a'], [4, 'b']]);
  assert.deepEqual(recording.activity, [0.5, 3, 3.5, 4]);
});

test('a cast of which the journal says nothing is shown when nothing more will come', () => {
  const recording = live();
  recording.append('session.ndjson', lines(marker(1, 1500)));
  recording.append('terminal.cast', lines(HEADER, [0.5, 'o', 'a']), 0);
  assert.equal(recording.terminals.length, 0);
  recording.end();
  assert.deepEqual(recording.terminals[0]?.events.map(({ t, data }) => [t, data]), [[0.5, 'a']]);
});

test('a payload that came before its line stands in it', () => {
  const recording = live();
  recording.addBlob('abc', 'the text');
  recording.append('session.ndjson', lines({ seq: 1, at: 1, type: 'note', text: { blob: 'abc', size: 8, mime: 'text/plain' } }));
  assert.equal(recording.events[0]?.event.text, 'the text');
});

test('an empty cast is told from one that is none', () => {
  assert.throws(() => parseRecording({ casts: { 'a.cast': '' } }), /is empty/);
  assert.throws(() => parseRecording({ casts: { 'a.cast': 'GIF89a' } }), /no asciicast/);
});
