import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cellsFold } from './cells';
import type { Cell, CellsState } from './cells';

type Fields = { type: string; [field: string]: unknown };

function fold(...events: Fields[]): CellsState {
  const state = cellsFold.initial();
  events.forEach((fields, index) => cellsFold.step(state, { t: index, event: { at: index, ...fields }, text: `text ${index}` }, index));
  return state;
}

const cells = (state: CellsState): Cell[] => state.items.filter((item): item is Cell => item.kind === 'cell');
const start = (cell_id: string, count = 1, more = {}): Fields => ({ type: 'cell_start', cell_id, execution_count: count, source: 's', ...more });
const end = (cell_id: string, status = 'ok'): Fields => ({ type: 'cell_end', cell_id, status, duration_ms: 5 });
const output = (cell_id: string, fields: object): Fields => ({ type: 'output', cell_id, output: fields });
const stream = (cell_id: string, text: unknown, name = 'stdout'): Fields => output(cell_id, { output_type: 'stream', name, text });
const display = (cell_id: string, text: string, display_id?: string): Fields =>
  output(cell_id, { output_type: 'display_data', data: { 'text/plain': text }, metadata: {}, transient: { display_id } });

test('streams of one name run together, as in a notebook', () => {
  const [cell] = cells(fold(start('a'), stream('a', 'x'), stream('a', ['y', 'z']), stream('a', 'e', 'stderr')));
  assert.deepEqual(cell?.outputs.map(one => one.text), ['xyz', 'e']);
});

test('a cell that runs again keeps its place and loses its outputs', () => {
  const [a, b] = cells(fold(start('a', 1), stream('a', 'old'), end('a'), start('b', 2), end('b'), start('a', 3)));
  assert.deepEqual([a?.key, a?.count, a?.status, a?.outputs], ['cell-a', 3, 'running', []]);
  assert.equal(b?.key, 'cell-b');
});

test('an output after its cell ended still belongs to it', () => {
  const [a] = cells(fold(start('a'), end('a'), start('b'), stream('a', 'late')));
  assert.equal(a?.outputs[0]?.text, 'late');
});

test('an output whose cell was never seen is shown without source', () => {
  const [a] = cells(fold(stream('a', 'orphan')));
  assert.deepEqual([a?.source, a?.outputs.length], [null, 1]);
});

test('a hidden cell shows neither source nor outputs', () => {
  assert.deepEqual(fold(start('a', 1, { hidden: true }), stream('a', 'x'), end('a')).items, []);
});

test('clear_output empties at once, or with the next output where it waits', () => {
  assert.deepEqual(cells(fold(start('a'), stream('a', 'x'), { type: 'clear_output', cell_id: 'a', wait: false }))[0]?.outputs, []);
  const waiting = [start('a'), stream('a', 'x'), { type: 'clear_output', cell_id: 'a', wait: true }];
  assert.equal(cells(fold(...waiting))[0]?.outputs[0]?.text, 'x');
  assert.deepEqual(cells(fold(...waiting, stream('a', 'y')))[0]?.outputs.map(one => one.text), ['y']);
});

test('update_display changes the output of that display id, in whatever cell', () => {
  const update = { type: 'update_display', display_id: 'd', output: { output_type: 'display_data', data: { 'text/plain': 'new' } } };
  const [a] = cells(fold(start('a'), display('a', 'old', 'd'), display('a', 'other'), end('a'), start('b'), update));
  assert.deepEqual(a?.outputs.map(one => one.data), [{ 'text/plain': 'new' }, { 'text/plain': 'other' }]);
});

test('markers, notes and gaps stand between the cells', () => {
  const { items } = fold({ type: 'marker' }, start('a'), { type: 'gap' }, { type: 'unknown' });
  assert.deepEqual(items.map(item => item.kind), ['marker', 'cell', 'gap']);
});

test('a cell ends with its status', () => {
  const [a, b] = cells(fold(start('a'), end('a', 'error'), start('b')));
  assert.deepEqual([a?.status, b?.status], ['error', 'running']);
});

test('a copy stays as it was', () => {
  const state = fold(start('a'), stream('a', 'x'));
  const copy = cellsFold.copy(state);
  cellsFold.step(state, { t: 1, event: { at: 1, ...stream('a', 'y') }, text: '' }, 2);
  cellsFold.step(state, { t: 1, event: { at: 1, ...end('a') }, text: '' }, 3);
  const [a] = cells(copy);
  assert.deepEqual([a?.outputs[0]?.text, a?.status], ['x', 'running']);
});
