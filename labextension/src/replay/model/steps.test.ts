import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseRecording } from './recording';
import { STEPS, momentsOf, stepFrom } from './steps';

const lines = [
  { at: 1000, type: 'cell_start', cell_id: 'a', source: 'x' },
  { at: 2000, type: 'message_add', message_id: 'm', content: 'hello' },
  { at: 3000, type: 'command_start', track: 't', command: 'ls' },
  { at: 4000, type: 'marker', label: 'here' },
  { at: 5000, type: 'cell_start', cell_id: 'b', source: 'hidden', hidden: true }
];
const recording = parseRecording({ journal: lines.map(line => JSON.stringify(line)).join('\n') });

test('each kind of step has its own moments', () => {
  const moments = Object.fromEntries(STEPS.map(step => [step, momentsOf(recording, step)]));
  assert.deepEqual(moments, { event: [0, 1, 2, 3, 4], cell: [0], command: [2], message: [1], chapter: [0, 2, 3] });
});

test('a step leaves the moment where one stands, also among equal ones', () => {
  const moments = [1, 2, 2, 2, 5];
  assert.deepEqual([0, 1, 2, 5].map(now => stepFrom(moments, now, 1)), [1, 2, 5, undefined]);
  assert.deepEqual([9, 5, 2, 1].map(now => stepFrom(moments, now, -1)), [5, 2, 1, undefined]);
});
