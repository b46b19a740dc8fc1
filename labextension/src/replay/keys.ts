/**
 * The keyboard: what each key does, and how the help sheet tells it.
 */

import { momentsOf, stepFrom } from './model/steps';
import type { Step } from './model/steps';
import type { Recording } from './model/recording';
import type { Transport } from './model/transport';

/** What keys do beyond the transport. */
export interface Actions {
  stepSpeed(direction: 1 | -1): void;
  toggleIdle(): void;
  chapters(): void;
  search(): void;
  nextHit(direction: 1 | -1): void;
  link(): void;
  keystrokes(): void;
  help(): void;
}

export interface Keyboard {
  readonly transport: Transport;
  readonly recording: Pick<Recording, 'activity' | 'chapters' | 'events'>;
  readonly actions: Actions;
}

interface Binding {
  readonly keys: readonly string[];
  /** As the help sheet shows them. */
  readonly shown: readonly string[];
  readonly does: string;
  run(key: string, keyboard: Keyboard): void;
}

const STEP_S = 5;

// While playing, time runs on after a jump to a chapter: a second jump back must not land on the same one.
const BACK_SLACK_S = 1;

export function step({ transport, recording }: Omit<Keyboard, 'actions'>, kind: Step, direction: 1 | -1): void {
  const slack = direction < 0 && transport.playing ? BACK_SLACK_S : 0;
  const found = stepFrom(momentsOf(recording, kind), transport.currentTime - slack, direction);
  transport.seek(found ?? (direction > 0 ? transport.duration : 0));
}

function stepping(kind: Step, back: string, on: string, does: string): Binding {
  const shown = [on, on === back.toLowerCase() ? `Shift+${back}` : back].reverse();
  return { keys: [back, on], shown, does, run: (key, keyboard) => step(keyboard, kind, key === on ? 1 : -1) };
}

export const BINDINGS: readonly Binding[] = [
  { keys: [' '], shown: ['Space'], does: 'Play or pause', run: (_, { transport }) => transport.toggle() },
  {
    keys: ['ArrowLeft', 'ArrowRight'],
    shown: ['←', '→'],
    does: 'Five seconds back or on',
    run: (key, { transport }) => transport.seek(transport.currentTime + (key === 'ArrowRight' ? STEP_S : -STEP_S))
  },
  {
    keys: ['Home', 'End'],
    shown: ['Home', 'End'],
    does: 'To the start or the end',
    run: (key, { transport }) => (key === 'Home' ? transport.seek(0) : transport.toEnd())
  },
  {
    keys: [...'0123456789'],
    shown: ['0', '9'],
    does: 'To that tenth of the recording',
    run: (key, { transport }) => transport.seek((transport.duration * Number(key)) / 10)
  },
  stepping('event', ',', '.', 'Event before or after'),
  stepping('chapter', '[', ']', 'Chapter before or after'),
  stepping('cell', 'C', 'c', 'Cell before or after'),
  stepping('command', 'T', 't', 'Terminal command before or after'),
  stepping('message', 'M', 'm', 'Message before or after'),
  { keys: ['<', '>'], shown: ['<', '>'], does: 'Slower or faster', run: (key, { actions }) => actions.stepSpeed(key === '>' ? 1 : -1) },
  { keys: ['i'], shown: ['i'], does: 'Skip idle time', run: (_, { actions }) => actions.toggleIdle() },
  { keys: ['f'], shown: ['f'], does: 'Go to the newest, and follow what comes', run: (_, { transport }) => transport.follow() },
  { keys: ['o'], shown: ['o'], does: 'Chapters', run: (_, { actions }) => actions.chapters() },
  { keys: ['/'], shown: ['/', 'Ctrl+F'], does: 'Search', run: (_, { actions }) => actions.search() },
  { keys: ['N', 'n'], shown: ['Shift+N', 'n'], does: 'Hit before or after', run: (key, { actions }) => actions.nextHit(key === 'n' ? 1 : -1) },
  { keys: ['l'], shown: ['l'], does: 'Copy a link to this moment', run: (_, { actions }) => actions.link() },
  { keys: ['k'], shown: ['k'], does: 'Show or hide the keys that were typed', run: (_, { actions }) => actions.keystrokes() },
  { keys: ['?'], shown: ['?'], does: 'This help', run: (_, { actions }) => actions.help() }
];

/** Returns whether the key meant something. */
export function press(key: string, keyboard: Keyboard): boolean {
  const binding = BINDINGS.find(({ keys }) => keys.includes(key));
  binding?.run(key, keyboard);
  return binding !== undefined;
}
