/**
 * Reads an asciicast, version 2 (absolute seconds) or 3 (seconds since the event before).
 * Formats: docs.asciinema.org/manual/asciicast/v2 and v3.
 */

export interface CastEvent {
  /** Seconds since the cast began, never decreasing. */
  readonly t: number;
  /** `o` output, `i` input, `r` resize, `m` marker, `x` exit; others are kept. */
  readonly code: string;
  readonly data: string;
}

export interface CastTheme {
  readonly fg?: string;
  readonly bg?: string;
  readonly palette?: string[];
}

/** What a cast says of itself before its first event. */
export interface CastHeader {
  readonly cols: number;
  readonly rows: number;
  readonly title: string;
  readonly theme: CastTheme;
}

export interface Cast extends CastHeader {
  readonly events: CastEvent[];
  readonly damaged: number;
}

// No terminal is larger; a screen of that size would only cost memory.
const MAX_COLS = 1000;
const MAX_ROWS = 1000;

// A hundred years: what lies beyond is damage.
const LONGEST = 100 * 366 * 86_400;

export class InvalidCast extends Error {}

export function parseCast(text: string): Cast {
  const reader = new CastReader();
  const events = reader.read(text);
  return { ...reader.header(), events, damaged: reader.damaged };
}

/** Reads a cast piece by piece: each piece is whole lines, the first one the header. */
export class CastReader {
  damaged = 0;
  private head: Header | null = null;
  private now = 0;

  /** @param now the time at which the lines to come go on, where it is not the beginning */
  static from(header: Header, now: number): CastReader {
    const reader = new CastReader();
    reader.head = header;
    reader.now = now;
    return reader;
  }

  /** Raises InvalidCast where nothing was read yet, or no header. */
  header(): Header {
    return (this.head ??= parseHeader(''));
  }

  read(text: string): CastEvent[] {
    const events: CastEvent[] = [];
    for (const line of text.split('\n')) {
      if (this.head === null) {
        this.head = parseHeader(line);
      } else if (line.trim() !== '' && !line.startsWith('#')) {
        this.take(line, this.head, events);
      }
    }
    return events;
  }

  private take(line: string, { relative }: Header, events: CastEvent[]): void {
    const event = parseEvent(line);
    const t = event === null ? NaN : relative ? this.now + event.t : event.t;
    if (event === null || !(t < LONGEST)) {
      this.damaged += 1;
      return;
    }
    this.now = Math.max(this.now, t);
    events.push({ t: this.now, code: event.code, data: event.data });
  }
}

function parseEvent(line: string): CastEvent | null {
  try {
    const [t, code, data] = JSON.parse(line) as unknown[];
    if (typeof t !== 'number' || typeof code !== 'string' || typeof data !== 'string') {
      return null;
    }
    return { t, code, data };
  } catch {
    return null;
  }
}

export interface Header extends CastHeader {
  /** Times are intervals: version 3. */
  readonly relative: boolean;
}

function parseHeader(line: string): Header {
  if (line.trim() === '') {
    throw new InvalidCast('This asciicast is empty: not even its header was written.');
  }
  let value: unknown;
  try {
    value = JSON.parse(line.replace(/^\ufeff/, ''));
  } catch {
    throw new InvalidCast('This is no asciicast: its first line is not a JSON header.');
  }
  const header = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (header.version !== 2 && header.version !== 3) {
    throw new InvalidCast('This asciicast is of a version that is not known here (2 and 3 are).');
  }
  const term = (header.version === 3 && isObject(header.term) ? header.term : {}) as Record<string, unknown>;
  const size = possibleSize(term.cols ?? header.width, term.rows ?? header.height) ?? [80, 24];
  return {
    relative: header.version === 3,
    cols: size[0],
    rows: size[1],
    title: [header.title, header.command].find(text => typeof text === 'string' && text !== '')?.toString() ?? '',
    theme: parseTheme(term.theme ?? header.theme)
  };
}

/** Reads a resize event's `COLSxROWS`; null where no terminal could have that size. */
export function parseSize(data: string): [number, number] | null {
  const match = /^(\d{1,9})x(\d{1,9})$/.exec(data);
  return match ? possibleSize(Number(match[1]), Number(match[2])) : null;
}

function possibleSize(cols: unknown, rows: unknown): [number, number] | null {
  const possible = isCount(cols, MAX_COLS) && isCount(rows, MAX_ROWS);
  return possible ? [cols, rows] : null;
}

function isCount(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most;
}

function parseTheme(value: unknown): CastTheme {
  if (!isObject(value)) {
    return {};
  }
  const color = (item: unknown): item is string => typeof item === 'string' && /^#[0-9a-fA-F]{6}$/.test(item);
  const palette = typeof value.palette === 'string' ? value.palette.split(':').filter(color) : [];
  return {
    ...(color(value.fg) && { fg: value.fg }),
    ...(color(value.bg) && { bg: value.bg }),
    ...((palette.length === 8 || palette.length === 16) && { palette })
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
