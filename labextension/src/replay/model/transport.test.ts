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

function transport(options: { speed?: number; idle?: number; duration?: number; live?: boolean; reading?: boolean } = {}): [Transport, FakeClock] {
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

test('the end that was asked for is kept while an ended recording is still being read', () => {
  const [player] = transport({ duration: 0, reading: true });
  player.toEnd();
  player.extend(40, false, Infinity, true);
  assert.equal(player.currentTime, 40);
  player.extend(60, false);
  assert.deepEqual([player.currentTime, player.ended, player.playing], [60, true, false]);
  player.seek(10);
  player.extend(70, false);
  assert.equal(player.currentTime, 10);
});

test('playback waits for what is still being read', () => {
  const [player, clock] = transport({ duration: 0, reading: true });
  player.play();
  clock.pass(5);
  assert.deepEqual([player.currentTime, player.playing], [0, true]);
  player.extend(60, false, Infinity, true);
  clock.pass(2);
  near(player.currentTime, 2);
  player.extend(3, false);
  clock.pass(2);
  assert.deepEqual([player.currentTime, player.playing], [3, false]);
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

test('following sticks to the newest, a pause leaves it, and catching up returns', () => {
  const [player] = transport({ live: true });
  player.follow();
  assert.deepEqual([player.currentTime, player.following, player.playing], [60, true, true]);
  player.extend(70, true);
  assert.equal(player.currentTime, 70);
  player.pause();
  player.extend(80, true);
  assert.deepEqual([player.currentTime, player.following, player.playing], [70, false, false]);
  player.follow();
  assert.deepEqual([player.currentTime, player.following], [80, true]);
});

test('what plays up to the newest of a running recording follows from there', () => {
  const [player, clock] = transport({ live: true });
  player.seek(59);
  player.play();
  clock.pass(2);
  assert.deepEqual([player.currentTime, player.following], [60, true]);
  player.extend(65, true);
  assert.equal(player.currentTime, 65);
});

test('a recording that ends is followed no more, and plays again from the start', () => {
  const [player, clock] = transport({ live: true });
  player.follow();
  player.extend(61, false);
  assert.deepEqual([player.currentTime, player.following, player.playing, player.ended], [61, false, false, true]);
  player.play();
  clock.pass(1);
  near(player.currentTime, 1);
});

test('a seek leaves what is followed', () => {
  const [player] = transport({ live: true });
  player.follow();
  player.seek(10);
  player.extend(90, true);
  assert.deepEqual([player.currentTime, player.following], [10, false]);
});
