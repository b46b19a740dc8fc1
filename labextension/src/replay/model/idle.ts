/**
 * Idle stretches of a recording, and how playback gets through them.
 *
 * The clock always tells recording time: an idle stretch is not cut out, it passes quickly.
 */

export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/**
 * Finds where nothing happened for longer than the limit.
 * @param activity when something happened, in order, in seconds
 * @param duration the recording's length in seconds
 * @param limit in seconds
 */
export function idleStretches(activity: readonly number[], duration: number, limit: number): Stretch[] {
  const stretches: Stretch[] = [];
  let last = 0;
  for (const t of [...activity, duration]) {
    if (t - last > limit) {
      stretches.push({ start: last, end: t });
    }
    last = Math.max(last, t);
  }
  return stretches;
}

/**
 * The recording time that playback reaches after `seconds` of play at normal speed.
 * An idle stretch takes `limit` seconds, however long it lasted.
 */
export function advance(from: number, seconds: number, stretches: readonly Stretch[], limit: number): number {
  let now = from;
  let left = seconds;
  for (const { start, end } of stretches) {
    if (end <= now) {
      continue;
    }
    const before = Math.max(0, start - now);
    if (left <= before) {
      break;
    }
    left -= before;
    now = Math.max(now, start);
    const rate = (end - start) / limit;
    const needed = (end - now) / rate;
    if (left < needed) {
      return now + left * rate;
    }
    left -= needed;
    now = end;
  }
  return now + left;
}
