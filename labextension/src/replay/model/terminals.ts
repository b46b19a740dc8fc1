/**
 * A recording's terminals: each a cast, begun where the journal says.
 */

import { CastReader } from './cast';
import type { CastEvent, CastHeader, CastTheme } from './cast';
import { countUntil } from './cursor';
import type { Timed } from './cursor';
import type { JournalEvent } from './journal';
import { isBefore } from './keyframes';
import type { Place } from './keyframes';
import { text } from './text';

export interface TerminalEvent extends Timed {
  /** `o` output, `i` input, `r` resize, `m` marker, `x` exit; others are kept. */
  readonly code: string;
  readonly data: string;
}

export interface TerminalEnd extends Timed {
  readonly exitCode: number | null;
}

/** How far a screen has come. */
export interface Spot extends Place {
  /** Nothing that was printed before is missing. */
  readonly exact: boolean;
}

/** What brings a screen to a moment. */
export interface Way {
  /** What the screen is to be first; null: it goes on from where it stands. */
  readonly begin: { readonly size: readonly [cols: number, rows: number]; readonly state: ArrayBuffer | null } | null;
  readonly events: readonly Pick<TerminalEvent, 'code' | 'data'>[];
  readonly to: Spot;
  /** All that scrolled away before is there too. */
  readonly history: boolean;
}

export interface Terminal {
  /** The `.cast` file's name. */
  readonly file: string;
  readonly track: string;
  readonly cols: number;
  readonly rows: number;
  readonly theme: CastTheme;
  /** The command, or what the cast calls itself. */
  readonly title: string;
  /** In order of time; grows while it is being recorded. None of a terminal that is too large to be held. */
  readonly events: readonly TerminalEvent[];
  /** Its `m` events. */
  readonly markers: readonly TerminalEvent[];
  /** Its `i` events. */
  readonly typed: readonly TerminalEvent[];
  readonly end: TerminalEnd | null;
  /** Seconds of the recording. */
  readonly begins: number;
  readonly damaged: number;
  /** What brings a screen that stands at `from` (null: a new one) to the moment `t`, in seconds of the recording. */
  way(from: Spot | null, t: number): Way | Promise<Way>;
}

/** What a cast's header and the journal say of a terminal, however its events are read. */
export abstract class CastTerminal {
  readonly track: string;
  title: string;
  end: TerminalEnd | null = null;

  /**
   * @param start its `terminal_start` in the journal, if there is one
   * @param offset seconds of the recording at which the cast began
   */
  protected constructor(
    readonly file: string,
    protected readonly header: CastHeader,
    start: JournalEvent | undefined,
    protected readonly offset: number
  ) {
    this.track = text(start?.track) || file.replace(/\.cast$/, '');
    this.title = text(start?.command) || header.title;
  }

  get cols(): number {
    return this.header.cols;
  }

  get rows(): number {
    return this.header.rows;
  }

  get theme(): CastTheme {
    return this.header.theme;
  }
}

/** A terminal that grows, piece by piece. */
export class GrowingTerminal extends CastTerminal implements Terminal {
  readonly events: TerminalEvent[] = [];
  readonly markers: TerminalEvent[] = [];
  readonly typed: TerminalEvent[] = [];
  /** The index of the next line: 0 is the header. */
  private next = 0;

  /** Raises InvalidCast if `first` does not begin with a header. */
  constructor(file: string, first: string, start: JournalEvent | undefined, offset: number, private readonly reader = new CastReader()) {
    const events = reader.read(first);
    super(file, reader.header(), start, offset);
    this.push(first, events);
  }

  get damaged(): number {
    return this.reader.damaged;
  }

  get begins(): number {
    return this.events[0]?.t ?? 0;
  }

  way(from: Spot | null, t: number): Way {
    const to: Spot = { block: 0, index: countUntil(this.events, t), exact: true };
    if (from !== null && !isBefore(to, from)) {
      return { begin: null, events: this.events.slice(from.index, to.index), to, history: true };
    }
    return { begin: { size: [this.cols, this.rows], state: null }, events: this.events.slice(0, to.index), to, history: true };
  }

  /**
   * Takes whole lines; `from` is the index of the first one. Lines that came already are dropped.
   * Returns how many lines are missing before these, and the events that are new.
   */
  append(lines: string, from: number = this.next): { missing: number; added: TerminalEvent[] } {
    const fresh = from < this.next ? withoutLines(lines, this.next - from) : lines;
    const missing = Math.max(0, from - this.next);
    this.next = Math.max(this.next, from);
    return { missing, added: this.push(fresh, this.reader.read(fresh)) };
  }

  private push(lines: string, events: readonly CastEvent[]): TerminalEvent[] {
    const added = events.map(({ t, code, data }) => ({ t: t + this.offset, code, data }));
    for (const event of added) {
      this.events.push(event);
      if (event.code === 'm') {
        this.markers.push(event);
      } else if (event.code === 'i') {
        this.typed.push(event);
      }
    }
    this.next += countLines(lines);
    return added;
  }
}

/** An unfinished line counts: it is torn, and nothing follows. */
function countLines(lines: string): number {
  let count = lines === '' || lines.endsWith('\n') ? 0 : 1;
  for (let at = lines.indexOf('\n'); at >= 0; at = lines.indexOf('\n', at + 1)) {
    count += 1;
  }
  return count;
}

/** The text after its first `count` lines. */
function withoutLines(lines: string, count: number): string {
  let at = 0;
  for (let line = 0; line < count; line += 1) {
    const end = lines.indexOf('\n', at);
    if (end < 0) {
      return '';
    }
    at = end + 1;
  }
  return lines.slice(at);
}

export function endOf(event: JournalEvent, t: number): TerminalEnd {
  return { t, exitCode: typeof event.exit_code === 'number' ? event.exit_code : null };
}
