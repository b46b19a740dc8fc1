import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseRecording } from './recording';

const journal = (...events: object[]): string => events.map(event => `${JSON.stringify(event)}\n`).join('');
const cast = (...events: unknown[]): string => [{ version: 2, width: 80, height: 24 }, ...events].map(one => JSON.stringify(one)).join('\n');

test('cells and terminals stand on one clock, to the millisecond', () => {
  const { events, terminals, duration } = parseRecording({
    manifest: { started_at: 1000 },
    journal: journal(
      { at: 1500, type: 'cell_start', cell_id: 'a', source: '' },
      { at: 2250, type: 'terminal_start', track: 'terminal', file: 'terminal.cast' }
    ),
    casts: { 'terminal.cast': cast([0.001, 'o', 'x'], [3, 'o', 'y']) }
  });
  assert.equal(events[0]?.t, 0.5);
  assert.deepEqual(terminals[0]?.events.map(event => event.t), [1.251, 4.25]);
  assert.equal(duration, 4.25);
});

test('a lone cast begins at nought', () => {
  const { kind, tracks, terminals } = parseRecording({ casts: { 'x.cast': cast([2, 'o', 'x']) } });
  assert.deepEqual([kind, tracks.map(track => track.kind), terminals[0]?.events[0]?.t], ['terminal', ['terminal'], 2]);
});

test('tracks are what has events, each with its beginning', () => {
  const { tracks } = parseRecording({
    journal: journal(
      { at: 1000, type: 'marker', label: 'm' },
      { at: 2000, type: 'cell_start', cell_id: 'h', hidden: true, source: '' },
      { at: 2500, type: 'output', cell_id: 'h', output: {} },
      { at: 3000, type: 'message_add', message_id: 'a', content: 'x' }
    )
  });
  assert.deepEqual(tracks, [{ kind: 'chat', id: 'chat', label: 'Chat', begins: 2 }]);
});

test('notes alone are shown', () => {
  const { tracks } = parseRecording({ journal: journal({ at: 1, type: 'note', text: 'only this' }) });
  assert.deepEqual(tracks.map(track => track.label), ['Notes']);
});

test('chapters are markers, cells, errors, commands and gaps, in order of time', () => {
  const { chapters } = parseRecording({
    journal: journal(
      { at: 0, type: 'cell_start', cell_id: 'a', execution_count: 3, source: '\nimport x\ny' },
      { at: 1, type: 'output', cell_id: 'a', output: { output_type: 'error', ename: 'E', evalue: 'why\nmore' } },
      { at: 2, type: 'output', cell_id: 'a', output: { output_type: 'stream', text: 'x' } },
      { at: 3, type: 'gap', reason: 'disk_full', events: 2, bytes: 9 },
      { at: 4, type: 'terminal_start', track: 't', file: 'terminal.cast', command: 'ls' },
      { at: 4, type: 'command_start', track: 't', command: 'ls' }
    ),
    casts: { 'terminal.cast': cast([-1, 'm', 'in the terminal']) }
  });
  assert.deepEqual(chapters.map(({ kind, label }) => [kind, label]), [
    ['cell', '[3] import x'],
    ['error', 'E: why'],
    ['gap', 'Gap: 2 events, 9 bytes are missing (disk full)'],
    ['command', 'ls'],
    ['marker', 'in the terminal']
  ]);
});

test('a command found in a shell is one chapter, wherever its marker in the terminal falls', () => {
  const at = (seconds: number) => parseRecording({
    journal: journal({ at: 0, type: 'terminal_start', track: 't', file: 'terminal.cast' }, { at: 500, type: 'command_start', track: 't', command: 'ls' }),
    casts: { 'terminal.cast': cast([seconds, 'm', 'ls'], [3, 'm', 'ls']) }
  }).chapters.map(({ kind }) => kind);
  assert.deepEqual(at(0.499), ['command', 'marker']);
  assert.deepEqual(at(0.501), ['command', 'marker']);
});

test('a cast that cannot be read costs its own track alone', () => {
  const { tracks } = parseRecording({
    journal: journal({ at: 1, type: 'message_add', message_id: 'a', content: 'x' }),
    casts: { 'bad.cast': 'garbage', 'good.cast': cast([0, 'o', 'x']) }
  });
  assert.deepEqual(tracks.map(track => track.kind), ['terminal', 'chat']);
});

test('a terminal tells how it ended', () => {
  const { terminals } = parseRecording({
    journal: journal(
      { at: 0, type: 'terminal_start', track: 't', file: 'a.cast', command: 'make' },
      { at: 4000, type: 'terminal_end', track: 't', exit_code: 2 }
    ),
    casts: { 'a.cast': cast([0, 'o', 'x']) }
  });
  assert.deepEqual([terminals[0]?.title, terminals[0]?.end], ['make', { t: 4, exitCode: 2 }]);
});

test('an empty payload is an empty recording', () => {
  const { title, duration, tracks } = parseRecording({});
  assert.deepEqual([title, duration, tracks], ['Recording', 0, []]);
});
