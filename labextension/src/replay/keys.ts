/**
 * The keyboard: what each key does to the transport.
 */

import type { Chapter } from './model/chapters';
import type { Transport } from './model/transport';

export interface Keyboard {
  readonly transport: Transport;
  readonly chapters: readonly Chapter[];
  stepSpeed(direction: 1 | -1): void;
}

const STEP_S = 5;

// While playing, time runs on after a jump to a chapter: a second jump back must not land on the same one.
const BACK_SLACK_S = 1;

/** Returns whether the key meant something. */
export function press(key: string, { transport, chapters, stepSpeed }: Keyboard): boolean {
  const now = transport.currentTime;
  switch (key) {
    case ' ':
      transport.toggle();
      return true;
    case 'ArrowLeft':
      transport.seek(now - STEP_S);
      return true;
    case 'ArrowRight':
      transport.seek(now + STEP_S);
      return true;
    case 'Home':
      transport.seek(0);
      return true;
    case 'End':
      transport.seek(transport.duration);
      return true;
    case '[':
      transport.seek(chapters.findLast(chapter => chapter.t < now - (transport.playing ? BACK_SLACK_S : 0))?.t ?? 0);
      return true;
    case ']':
      transport.seek(chapters.find(chapter => chapter.t > now)?.t ?? transport.duration);
      return true;
    case '<':
    case '>':
      stepSpeed(key === '>' ? 1 : -1);
      return true;
    default:
      return jump(key, transport);
  }
}

/** A digit goes to that tenth. */
function jump(key: string, transport: Transport): boolean {
  if (!/^[0-9]$/.test(key)) {
    return false;
  }
  transport.seek((transport.duration * Number(key)) / 10);
  return true;
}
