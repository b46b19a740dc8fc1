import assert from 'node:assert/strict';
import { test } from 'node:test';

import { press } from './keys';
import { Transport } from './model/transport';

const frozen = { now: () => 0, request: () => 1, cancel: () => undefined };

function keyboard(): { transport: Transport; keys: (...pressed: string[]) => number; steps: number[] } {
  const transport = new Transport({ duration: 100, activity: [], clock: frozen });
  const chapters = [10, 20, 30].map(t => ({ t, kind: 'marker' as const, label: '' }));
  const steps: number[] = [];
  const one = { transport, chapters, stepSpeed: (direction: number) => void steps.push(direction) };
  return { transport, steps, keys: (...pressed) => (pressed.forEach(key => press(key, one)), transport.currentTime) };
}

test('arrows go five seconds, Home and End all the way', () => {
  const { keys } = keyboard();
  assert.equal(keys('ArrowRight', 'ArrowRight', 'ArrowLeft'), 5);
  assert.equal(keys('End'), 100);
  assert.equal(keys('Home', 'ArrowLeft'), 0);
});

test('a digit goes to that tenth', () => {
  const { keys } = keyboard();
  assert.deepEqual([keys('7'), keys('0')], [70, 0]);
});

test('brackets go between chapters, and to the ends beyond them', () => {
  const { keys } = keyboard();
  assert.deepEqual([keys(']'), keys(']'), keys('['), keys('['), keys('3', ']')], [10, 20, 10, 0, 100]);
});

test('while it plays, a bracket back just after a chapter goes to the one before', () => {
  const { transport, keys } = keyboard();
  transport.seek(20.5);
  transport.play();
  assert.equal(keys('['), 10);
});

test('space toggles, angle brackets change the speed', () => {
  const { transport, keys, steps } = keyboard();
  keys(' ', '>', '<');
  assert.equal(transport.playing, true);
  assert.deepEqual(steps, [1, -1]);
});

test('other keys are left to the page', () => {
  const { transport } = keyboard();
  const idle = { transport, chapters: [], stepSpeed: () => undefined };
  assert.deepEqual(['a', 'Tab', 'F5', '10'].map(key => press(key, idle)), [false, false, false, false]);
});
