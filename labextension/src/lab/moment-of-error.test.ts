import assert from 'node:assert/strict';
import { test } from 'node:test';

import { momentOfError } from './moment-of-error';

const failed = (at: number, cell: string, evalue: string): string =>
  JSON.stringify({ seq: at, at, type: 'output', cell_id: cell, output: { output_type: 'error', ename: 'ValueError', evalue } });

const JOURNAL = [failed(1, 'a', 'x'), failed(2, 'a', 'y'), '{"torn "error"', failed(3, 'b', 'x'), failed(4, 'a', 'z')].join('\n');

test('the last time that the cell failed just so is found', () => {
  assert.equal(momentOfError(JOURNAL, { cellId: 'a', name: 'ValueError', value: 'y' }), 2);
});

test('where the message was changed, by redaction say, the last error of the cell is', () => {
  assert.equal(momentOfError(JOURNAL, { cellId: 'a', name: 'ValueError', value: 'other' }), 4);
});

test('a cell without an error has no moment', () => {
  assert.equal(momentOfError(JOURNAL, { cellId: 'c', name: 'ValueError', value: 'x' }), null);
});
