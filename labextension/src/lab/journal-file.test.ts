import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isJournal, namesIn } from './journal-file';

test('a journal is known by its header', () => {
  assert.ok(isJournal('{"type":"header","format":"jupyter-recorder","version":1}\n{"seq":1}\n'));
  assert.ok(![' ', '', '{"a":1}\n', 'null\n', '{"type":"header","format":"jupyter-recorder"}'].some(isJournal));
});

test('only what can lie beside it is named', () => {
  const sha = 'a'.repeat(64);
  const journal = `{"file":"terminal.cast"} {"file":"../secret.cast"} {"file":"terminal.cast"} {"blob":"${sha}"} {"blob":"../x"} {"file":"x.txt"}`;
  assert.deepEqual(namesIn(journal), { casts: ['terminal.cast'], blobs: [sha] });
});
