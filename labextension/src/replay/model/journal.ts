/**
 * Reads a recording's journal: one JSON object a line, LF alone between lines.
 */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface JournalEvent {
  readonly at: number;
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface Journal {
  readonly events: JournalEvent[];
  /** The manifest's stand-in where there is none: the first header line. */
  readonly header: Record<string, unknown>;
  readonly damaged: number;
}

/** Resolves a blob's sha256 to its text; undefined where the replay doesn't carry it. */
export type Blobs = (sha256: string) => string | undefined;

// A hundred years in milliseconds: a time further from the start is damage, and would leave a timeline of nothing else.
const LONGEST = 100 * 366 * 86_400_000;

export function parseJournal(text: string, blobs: Blobs): Journal {
  const events: JournalEvent[] = [];
  let header: Record<string, unknown> = {};
  let damaged = 0;
  let last = -Infinity;
  for (const line of text.split('\n')) {
    if (line === '') {
      continue;
    }
    const value = parseLine(line, blobs);
    if (value === null) {
      damaged += 1;
    } else if (value.type === 'header') {
      header = Object.keys(header).length ? header : value;
    } else if (value.type !== 'footer') {
      if (!isTime(value.at, events[0]?.at)) {
        damaged += 1;
        continue;
      }
      last = Math.max(last, value.at);
      events.push({ ...value, at: last, type: String(value.type) });
    }
  }
  return { events, header, damaged };
}

function parseLine(line: string, blobs: Blobs): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return null;
    }
    const record = value as Record<string, Json>;
    if (typeof record.type !== 'string') {
      return null;
    }
    return line.includes('"blob"') ? (withBlobs(record, blobs) as Record<string, Json>) : record;
  } catch {
    return null;
  }
}

function isTime(at: unknown, first: number | undefined): at is number {
  return typeof at === 'number' && Number.isFinite(at) && at >= 0 && at - (first ?? at) < LONGEST;
}

/** Puts the payloads back that the journal keeps apart as `{"blob": sha256, "size": n, "mime": …}`. */
function withBlobs(value: Json, blobs: Blobs): Json {
  if (Array.isArray(value)) {
    return value.map(item => withBlobs(item, blobs));
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const { blob, size, mime } = value;
  if (typeof blob === 'string' && typeof size === 'number' && typeof mime === 'string') {
    return blobValue(blobs(blob), size, mime);
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withBlobs(item, blobs)]));
}

function blobValue(text: string | undefined, size: number, mime: string): Json {
  if (text === undefined) {
    return mime.startsWith('image/') ? null : `[${size} bytes are not in this replay]`;
  }
  if (!/[/+]json$/.test(mime)) {
    return text;
  }
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
