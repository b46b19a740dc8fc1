import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseRecording } from './recording';
import { SearchIndex, patternOf } from './search';
import type { Hit } from './search';

type Line = [seconds: number, type: string, fields: object];

function index(lines: Line[], ...output: [number, string][]): SearchIndex {
  const journal = lines.map(([t, type, fields]) => JSON.stringify({ at: 1000 + t * 1000, type, ...fields })).join('\n');
  const cast = [{ version: 2, width: 80, height: 24 }, ...output.map(([t, data]) => [t, 'o', data])].map(line => JSON.stringify(line)).join('\n');
  return new SearchIndex(parseRecording({ journal, casts: output.length ? { 'terminal.cast': cast } : {} }));
}

const find = (one: SearchIndex, query: string): Hit[] => one.search(patternOf(query)!);
const places = (hits: Hit[]): [number, string][] => hits.map(({ t, where }) => [t, where]);

test('a word is found in every place where it was recorded, in order of time', () => {
  const one = index(
    [
      [0, 'marker', { label: 'Tulip time' }],
      [1, 'cell_start', { cell_id: 'a', source: 'plant(tulip)' }],
      [2, 'output', { cell_id: 'a', output: { output_type: 'stream', name: 'stdout', text: 'one tulip' } }],
      [3, 'message_add', { message_id: 'm', content: 'a TULIP?' }],
      [4, 'command_start', { track: 'terminal', command: 'cat tulip' }],
      [5, 'note', { text: 'no more tulips' }]
    ],
    [6, 'tulip\r\n']
  );
  const expected = ['marker', 'source', 'output', 'chat', 'command', 'note', 'terminal'].map((where, t) => [t, where]);
  assert.deepEqual(places(find(one, 'tulip')), expected);
});

test('terminal text is found through colours and across the events that cut it', () => {
  const one = index([], [1, 'pre\x1b[3'], [2, '1mtul\x1b[0'], [3, 'mip\x1b]0;ti'], [4, 'tle\x07 \x1b[1mend'], [5, '\r\nnext']);
  assert.deepEqual(places(find(one, 'pretulip')), [[3, 'terminal']]);
  assert.deepEqual(places(find(one, 'tulip end next')), [[5, 'terminal']]);
  assert.deepEqual(find(one, 'title'), []);
});

test('what is drawn elsewhere on the screen does not run together', () => {
  assert.deepEqual(find(index([], [0, 'one\x1b[5;1Htwo']), 'onetwo'), []);
});

test("a streamed answer's hit is at the piece that completes it, and its last update gives no second one", () => {
  const one = index([
    [0, 'message_add', { message_id: 'm', role: 'assistant', content: '' }],
    [1, 'message_append', { message_id: 'm', content_delta: 'a tu' }],
    [2, 'message_append', { message_id: 'm', content_delta: 'lip' }],
    [3, 'message_update', { message_id: 'm', content: 'A tulip. Another tulip.', is_complete: true }]
  ]);
  assert.deepEqual(places(find(one, 'tulip')), [
    [2, 'chat'],
    [3, 'chat']
  ]);
});

test('a hit stands among what is around it', () => {
  const [hit] = find(index([[0, 'note', { text: 'left (mid) right' }]]), '(MID)');
  assert.deepEqual([hit?.before, hit?.match, hit?.after], ['left ', '(mid)', ' right']);
});

test('what comes later is found later', () => {
  const recording = parseRecording({ journal: '{"at":0,"type":"note","text":"one"}' });
  const one = new SearchIndex(recording);
  assert.equal(find(one, 'o').length, 1);
  recording.append('session.ndjson', '{"at":9,"type":"note","text":"two"}');
  assert.equal(find(one, 'o').length, 2);
});

test('nothing is searched for nothing', () => {
  assert.equal(patternOf(' \n'), null);
});
