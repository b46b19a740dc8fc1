import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keysAt, namesOf } from './keystrokes';

test('keys are named as a keyboard names them', () => {
  assert.deepEqual(namesOf('ls \r\t\x7f\x03\x1b[A\x1bOD\x1bf\x1b'), ['l', 's', '␣', '⏎', '⇥', '⌫', 'Ctrl+C', '↑', '←', 'Alt+f', 'Esc']);
});

test("a terminal's own answer is no key", () => {
  assert.deepEqual(namesOf('a\x1b[?1;2cb'), ['a', 'b']);
});

test('keys stay for a moment, and only those before it', () => {
  const typed = [0, 1, 2, 3].map(t => ({ t, code: 'i', data: String(t) }));
  assert.deepEqual([keysAt(typed, 2), keysAt(typed, 9), keysAt(typed, -1)], [['1', '2'], [], []]);
});
