/**
 * What there is to replay: a notebook, terminals, a chat.
 */

import type { TimedEvent } from './recording';
import type { Terminal } from './terminals';

export interface Track {
  readonly kind: 'cells' | 'chat' | 'terminal';
  readonly id: string;
  readonly label: string;
  /** When its first event came, in seconds. */
  readonly begins: number;
}

const CHAT_TYPES = new Set(['message_add', 'session_snapshot']);

export function tracksOf(events: readonly TimedEvent[], terminals: readonly Terminal[]): Track[] {
  const tracks: Track[] = [];
  const cell = firstCell(events);
  if (cell !== undefined) {
    tracks.push({ kind: 'cells', id: 'cells', label: 'Notebook', begins: cell.t });
  }
  for (const { track, begins } of terminals) {
    const label = terminals.length > 1 ? track : 'Terminal';
    tracks.push({ kind: 'terminal', id: `terminal:${track}`, label, begins });
  }
  const message = events.find(({ event }) => CHAT_TYPES.has(event.type));
  if (message !== undefined) {
    tracks.push({ kind: 'chat', id: 'chat', label: 'Chat', begins: message.t });
  }
  const remark = events.find(({ text }) => text !== '');
  if (tracks.length === 0 && remark !== undefined) {
    tracks.push({ kind: 'cells', id: 'cells', label: 'Notes', begins: remark.t });
  }
  return tracks;
}

function firstCell(events: readonly TimedEvent[]): TimedEvent | undefined {
  const hidden = new Set<unknown>();
  return events.find(({ event }) => {
    if (event.type === 'cell_start' && event.hidden === true) {
      hidden.add(event.cell_id);
    }
    return (event.type === 'cell_start' || event.type === 'output') && !hidden.has(event.cell_id);
  });
}
