import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Transport } from './transport';
import type { Clock } from './transport';

/** Time that passes only when told to. */
class FakeClock implements Clock {
  private ms = 0;
  private frame: (() => void) | null = null;

  now(): number {
    return this.ms;
  }

  request(frame: () => void): number {
    this.frame = frame;
    return 1;
  }

  cancel(): void {
    this.frame = null;
  }

  /** Runs frames of 100 ms; a last one may be longer. */
  pass(seconds: number, frameMs = 100): void {
    for (let left = seconds * 1000; left > 0; left -= frameMs) {
      this.ms += frameMs;
      const frame = this.frame;
      this.frame = null;
      frame?.();
    }
  }
}

function transport(options: { speed?: number; idle?: number; duration?: number } = {}): [Transport, FakeClock] {
  const clock = new FakeClock();
  return [new Transport({ duration: 60, activity: [0, 5, 50, 60], clock, ...options }), clock];
}

const near = (actual: number, expected: number): void => assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} ≉ ${expected}`);

test('time stands until it plays, and stands again when paused', () => {
  const [player, clock] = transport();
  clock.pass(1);
  assert.equal(player.currentTime, 0);
  player.play();
  clock.pass(2);
  player.pause();
  clock.pass(2);
  near(player.currentTime, 2);
});

test('speed multiplies, also while it plays', () => {
  const [player, clock] = transport({ speed: 4 });
  player.play();
  clock.pass(1);
  player.speed = 0.5;
  clock.pass(2);
  near(player.currentTime, 5);
});

test('it stops at the end, and plays again from the start', () => {
  const [player, clock] = transport({ speed: 100 });
  player.play();
  clock.pass(1);
  assert.deepEqual([player.currentTime, player.playing, player.ended], [60, false, true]);
  player.play();
  clock.pass(0.1);
  near(player.currentTime, 10);
});

test('a seek stays within the recording and does not stop play', () => {
  const [player, clock] = transport();
  player.play();
  for (const [to, expected] of [[-5, 0], [1e308, 60], [NaN, 0], [30, 30]] as const) {
    player.seek(to);
    assert.equal(player.currentTime, expected);
  }
  clock.pass(1);
  near(player.currentTime, 31);
});

test('idle stretches pass in the limit, in recording time', () => {
  const [player, clock] = transport({ idle: 1 });
  player.play();
  clock.pass(1);
  near(player.currentTime, 5);
  clock.pass(0.5);
  near(player.currentTime, 27.5);
  clock.pass(0.5);
  near(player.currentTime, 50);
});

test('the idle limit can be turned off on the way', () => {
  const [player, clock] = transport({ idle: 1 });
  player.idle = null;
  player.play();
  clock.pass(3);
  near(player.currentTime, 3);
});

test('what passes while the page gets no frames is not played', () => {
  const [player, clock] = transport();
  player.play();
  clock.pass(30, 30_000);
  near(player.currentTime, 0.25);
});

test('every change is told once', () => {
  const [player, clock] = transport();
  let told = 0;
  player.subscribe(() => (told += 1));
  player.play();
  clock.pass(0.3);
  player.pause();
  player.pause();
  player.seek(1);
  assert.equal(told, 1 + 3 + 1 + 1);
});

test('an empty recording ends at once', () => {
  const [player, clock] = transport({ duration: 0 });
  player.play();
  clock.pass(0.1);
  assert.deepEqual([player.currentTime, player.playing], [0, false]);
});

test('a speed that is no number is normal speed', () => {
  const [player] = transport({ speed: NaN });
  assert.equal(player.speed, 1);
});
