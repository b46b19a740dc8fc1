import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BINDINGS, press } from './keys';
import type { Actions } from './keys';
import { Transport } from './model/transport';

const nothing = (): void => undefined;
const idle: Actions = {
  stepSpeed: nothing, toggleIdle: nothing, chapters: nothing, search: nothing, nextHit: nothing, link: nothing, keystrokes: nothing, help: nothing
};
const frozen = { now: () => 0, request: () => 1, cancel: () => undefined };

function keyboard(): { transport: Transport; keys: (...pressed: string[]) => number; steps: number[] } {
  const transport = new Transport({ duration: 100, activity: [], clock: frozen });
  const chapters = [10, 20, 30].map(t => ({ t, kind: 'marker' as const, label: '' }));
  const steps: number[] = [];
  const actions = { ...idle, stepSpeed: (direction: number) => void steps.push(direction) };
  const one = { transport, recording: { activity: [1, 2, 3], chapters, events: [] }, actions };
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
  const one = { transport, recording: { activity: [], chapters: [], events: [] }, actions: idle };
  assert.deepEqual(['a', 'Tab', 'F5', '10'].map(key => press(key, one)), [false, false, false, false]);
});

test('commas and full stops go from event to event', () => {
  const { keys } = keyboard();
  assert.deepEqual([keys('.', '.', '.'), keys(','), keys(',', ',')], [3, 2, 0]);
});

test('no key means two things', () => {
  const all = BINDINGS.flatMap(({ keys }) => keys);
  assert.equal(new Set(all).size, all.length);
});
