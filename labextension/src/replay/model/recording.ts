/**
 * Puts a replay's payload on one clock: tracks, timed events and the chapters of the timeline.
 */

import { chaptersOf, describe } from './chapters';
import type { Chapter } from './chapters';
import type { Timed } from './cursor';
import { parseJournal } from './journal';
import type { JournalEvent } from './journal';
import { terminalsOf } from './terminals';
import type { Terminal } from './terminals';
import { text } from './text';
import { tracksOf } from './tracks';
import type { Track } from './tracks';

/** What `jupyter_recorder.replay.bundle` embeds. */
export interface Payload {
  readonly manifest?: Record<string, unknown>;
  readonly journal?: string;
  /** File name to asciicast text. */
  readonly casts?: Record<string, string>;
  /** sha256 to base64. */
  readonly blobs?: Record<string, string>;
}

export interface TimedEvent extends Timed {
  readonly event: JournalEvent;
  /** What a timeline says of it; empty for most. */
  readonly text: string;
}

export interface Recording {
  readonly title: string;
  readonly kind: string;
  readonly state: string;
  /** Seconds from the first event to the last. */
  readonly duration: number;
  readonly tracks: Track[];
  readonly events: TimedEvent[];
  readonly terminals: Terminal[];
  readonly chapters: Chapter[];
  /** When something happened, in order, in seconds: all tracks together. */
  readonly activity: number[];
  readonly damaged: number;
}

export function parseRecording(payload: Payload): Recording {
  const journal = parseJournal(payload.journal ?? '', sha => decodeBlob(payload.blobs?.[sha]));
  const manifest = payload.manifest ?? {};
  const origin = originOf(manifest, journal.events);
  const events = journal.events.map(event => ({ t: since(origin, event.at), event, text: describe(event) }));
  const casts = terminalsOf(payload.casts ?? {}, journal.events, at => since(origin, at));
  const terminals = casts.map(cast => cast.terminal);
  const activity = [...events, ...terminals.flatMap(terminal => terminal.events)].map(one => one.t);
  activity.sort((a, b) => a - b);
  return {
    title: titleOf(manifest, journal.header, terminals),
    kind: text(manifest.kind) || text(journal.header.kind) || (terminals.length ? 'terminal' : ''),
    state: text(manifest.state) || 'completed',
    duration: activity.at(-1) ?? 0,
    tracks: tracksOf(events, terminals),
    events,
    terminals,
    chapters: chaptersOf(events, terminals),
    activity,
    damaged: casts.reduce((sum, cast) => sum + cast.damaged, journal.damaged)
  };
}

/** Decodes base64 to the text that it holds as UTF-8. */
function decodeBlob(base64: string | undefined): string | undefined {
  if (base64 === undefined) {
    return undefined;
  }
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(base64), char => char.charCodeAt(0)));
  } catch {
    return undefined;
  }
}

function originOf(manifest: Record<string, unknown>, events: JournalEvent[]): number {
  const first = events[0]?.at;
  const started = manifest.started_at;
  if (typeof started === 'number' && Number.isFinite(started) && (first === undefined || started <= first)) {
    return started;
  }
  return first ?? 0;
}

function since(origin: number, at: number): number {
  return Math.max(0, at - origin) / 1000;
}

function titleOf(manifest: Record<string, unknown>, header: Record<string, unknown>, terminals: Terminal[]): string {
  const names = [manifest.title, manifest.name, header.name, terminals[0]?.title, terminals[0] && 'Terminal'];
  return names.map(text).find(name => name !== '') ?? 'Recording';
}
