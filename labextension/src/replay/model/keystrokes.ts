/**
 * The keys that were typed just before a moment, where a terminal's input was recorded.
 */

import { countUntil } from './cursor';
import type { TerminalEvent } from './terminals';

const SHOWN_S = 1.5;
const MOST = 24;

const NAMES: Record<string, string> = {
  '\r': '⏎', '\n': '⏎', '\t': '⇥', '\x7f': '⌫', '\b': '⌫', '\x1b': 'Esc', ' ': '␣',
  '\x1b[A': '↑', '\x1b[B': '↓', '\x1b[C': '→', '\x1b[D': '←', '\x1bOA': '↑', '\x1bOB': '↓', '\x1bOC': '→', '\x1bOD': '←',
  '\x1b[H': 'Home', '\x1b[F': 'End', '\x1b[3~': 'Del', '\x1b[5~': 'PgUp', '\x1b[6~': 'PgDn'
};

const KEY = /\x1b\[[0-?]*[ -/]*[@-~]|\x1bO[A-Za-z]|\x1b[^\x1b]?|[\s\S]/gu;

/** @param typed a terminal's `i` events, in order */
export function keysAt(typed: readonly TerminalEvent[], t: number): string[] {
  const keys: string[] = [];
  for (let at = countUntil(typed, t) - 1; at >= 0 && typed[at]!.t > t - SHOWN_S && keys.length < MOST; at -= 1) {
    keys.unshift(...namesOf(typed[at]!.data));
  }
  return keys.slice(-MOST);
}

/** What a terminal was sent, key by key. */
export function namesOf(data: string): string[] {
  return Array.from(data.slice(-4 * MOST).matchAll(KEY), ([key]) => nameOf(key)).filter(name => name !== '');
}

function nameOf(key: string): string {
  const named = NAMES[key];
  if (named !== undefined) {
    return named;
  }
  if (key.length === 2 && key.startsWith('\x1b')) {
    return `Alt+${nameOf(key[1]!)}`;
  }
  if (key.startsWith('\x1b')) {
    // A terminal's own answers come as input too: nobody pressed those.
    return '';
  }
  return key < ' ' ? `Ctrl+${String.fromCharCode(key.charCodeAt(0) + 64)}` : key;
}
