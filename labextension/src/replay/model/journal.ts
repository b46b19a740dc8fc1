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
  const reader = new JournalReader(blobs);
  const events = reader.read(text);
  return { events, header: reader.header, damaged: reader.damaged };
}

/** Reads a journal piece by piece, each of whole lines. */
export class JournalReader {
  header: Record<string, unknown> = {};
  damaged = 0;
  private first: number | undefined;
  private last = -Infinity;
  private seq = 0;

  /** @param fed lines come over a connection: a number seen already is dropped, one that is missing is a gap event */
  constructor(
    private readonly blobs: Blobs,
    private readonly fed = false
  ) {}

  read(text: string): JournalEvent[] {
    const events: JournalEvent[] = [];
    for (const line of text.split('\n')) {
      if (line !== '') {
        this.take(parseLine(line, this.blobs), events);
      }
    }
    return events;
  }

  private take(value: Record<string, unknown> | null, events: JournalEvent[]): void {
    if (value === null) {
      this.damaged += 1;
    } else if (value.type === 'header') {
      this.header = Object.keys(this.header).length ? this.header : value;
    } else if (value.type !== 'footer' && !this.isKnown(value.seq)) {
      this.number(value.seq, events);
      this.push(value, events);
    }
  }

  private push(value: Record<string, unknown>, events: JournalEvent[]): void {
    if (!isTime(value.at, this.first)) {
      this.damaged += 1;
      return;
    }
    this.first ??= value.at;
    this.last = Math.max(this.last, value.at);
    events.push({ ...value, at: this.last, type: String(value.type) });
  }

  private isKnown(seq: unknown): boolean {
    return this.fed && typeof seq === 'number' && seq <= this.seq;
  }

  private number(seq: unknown, events: JournalEvent[]): void {
    if (typeof seq !== 'number' || !Number.isSafeInteger(seq)) {
      return;
    }
    const missing = seq - this.seq - 1;
    if (this.fed && missing > 0 && this.first !== undefined) {
      events.push({ at: this.last, type: 'gap', reason: 'not_received', events: missing });
    }
    this.seq = seq;
  }
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
