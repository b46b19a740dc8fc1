/**
 * The moments between which a reader steps: events, cells, commands, messages, chapters.
 */

import type { Recording } from './recording';

export const STEPS = ['event', 'cell', 'command', 'message', 'chapter'] as const;
export type Step = (typeof STEPS)[number];

/** Seconds, in order. */
export function momentsOf({ activity, chapters, events }: Pick<Recording, 'activity' | 'chapters' | 'events'>, step: Step): readonly number[] {
  switch (step) {
    case 'event':
      return activity;
    case 'chapter':
      return chapters.map(({ t }) => t);
    case 'message':
      return events.filter(({ event }) => event.type === 'message_add' || event.type === 'session_snapshot').map(({ t }) => t);
    default:
      return chapters.filter(({ kind }) => kind === step).map(({ t }) => t);
  }
}

/** The next moment after `now`, or the last one before it; undefined where there is none. */
export function stepFrom(moments: readonly number[], now: number, direction: 1 | -1): number | undefined {
  let low = 0;
  let high = moments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (direction > 0 ? moments[middle]! <= now : moments[middle]! < now) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return moments[direction > 0 ? low : low - 1];
}
