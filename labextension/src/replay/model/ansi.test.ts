import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseAnsi, stripAnsi } from './ansi';

test('colours and attributes style what follows, until reset', () => {
  assert.deepEqual(parseAnsi('a\x1b[1;31mb\x1b[22;39mc\x1b[m'), [
    { text: 'a', style: {} },
    { text: 'b', style: { bold: true, fg: 1 } },
    { text: 'c', style: { bold: false, dim: false } }
  ]);
});

test('256 colours and 24-bit colours become what xterm shows', () => {
  const styles = parseAnsi('\x1b[38;5;9ma\x1b[38;5;196mb\x1b[48;5;244mc\x1b[0;38;2;1;2;255md\x1b[97me').map(run => run.style);
  assert.deepEqual(styles, [{ fg: 9 }, { fg: '#ff0000' }, { fg: '#ff0000', bg: '#808080' }, { fg: '#0102ff' }, { fg: 15 }]);
});

test('a carriage return overwrites the line, and only this line', () => {
  assert.equal(stripAnsi('first\n 10 %\r 20 %\r100 %\ndone'), 'first\n100 %\ndone');
  assert.equal(stripAnsi('long line\rab'), 'abng line');
});

test('CR LF ends a line without overwriting it', () => {
  assert.equal(stripAnsi('one\r\ntwo\r\r\n'), 'one\ntwo\n');
});

test('what is overwritten takes its new colour', () => {
  assert.deepEqual(parseAnsi('ab\r\x1b[32mX'), [
    { text: 'X', style: { fg: 2 } },
    { text: 'b', style: {} }
  ]);
});

test('a backspace goes back, not beyond the start of the line', () => {
  assert.equal(stripAnsi('|\b/\b-'), '-');
  assert.equal(stripAnsi('x\n\b\b\by'), 'x\ny');
});

test('erasing in the line takes the rest, or the whole line', () => {
  assert.equal(stripAnsi('progress 50\r\x1b[Kdone'), 'done');
  assert.equal(stripAnsi('abcdef\r\x1b[2Kx'), 'x');
});

test('other escapes and controls leave nothing', () => {
  const text = 'a\x1b[2Jb\x1b]0;title\x07c\x1b]8;;https://x\x1b\\d\x1b(Be\x07f\x00g\x9b1mh\x1bPq\x1b\\i';
  assert.equal(stripAnsi(text), 'abcdefghi');
});

test('an escape that never ends takes no more than itself', () => {
  assert.equal(stripAnsi('a\x1b]0;never'), 'a');
  assert.equal(stripAnsi('a\x1b['), 'a');
  assert.equal(stripAnsi('a\x1b'), 'a');
});

test('wide characters count as one when overwritten', () => {
  assert.equal(stripAnsi('日本\r語'), '語本');
  assert.equal(stripAnsi('😀b\rx'), 'xb');
});
