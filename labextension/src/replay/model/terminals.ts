/**
 * A recording's terminals: each a cast, begun where the journal says.
 */

import { InvalidCast, parseCast } from './cast';
import type { CastTheme } from './cast';
import type { Timed } from './cursor';
import type { JournalEvent } from './journal';
import { text } from './text';

export interface TerminalEvent extends Timed {
  readonly code: string;
  readonly data: string;
}

export interface Terminal {
  readonly track: string;
  readonly cols: number;
  readonly rows: number;
  readonly theme: CastTheme;
  /** The command, or what the cast calls itself. */
  readonly title: string;
  readonly events: TerminalEvent[];
  readonly end: TerminalEnd | null;
}

export interface TerminalEnd extends Timed {
  readonly exitCode: number | null;
}

export interface ParsedTerminal {
  readonly terminal: Terminal;
  readonly damaged: number;
}

/**
 * Puts every cast on the recording's clock.
 * @param since turns Unix milliseconds into seconds of the recording
 *
 * A cast that can't be read costs its own track only, unless there is nothing else to show.
 */
export function terminalsOf(
  casts: Record<string, string>,
  events: JournalEvent[],
  since: (at: number) => number
): ParsedTerminal[] {
  const starts = new Map(events.filter(event => event.type === 'terminal_start').map(event => [text(event.file), event]));
  const parsed: ParsedTerminal[] = [];
  for (const [file, content] of Object.entries(casts)) {
    const start = starts.get(file);
    const track = text(start?.track) || file.replace(/\.cast$/, '');
    try {
      const { events: inside, damaged, ...cast } = parseCast(content);
      const offset = start ? since(start.at) : 0;
      const terminal = {
        ...cast,
        track,
        title: text(start?.command) || cast.title,
        events: inside.map(({ t, code, data }) => ({ t: t + offset, code, data })),
        end: endOf(events, track, since)
      };
      parsed.push({ terminal, damaged });
    } catch (error) {
      if (!(error instanceof InvalidCast) || events.length === 0) {
        throw error;
      }
    }
  }
  return parsed;
}

function endOf(events: JournalEvent[], track: string, since: (at: number) => number): TerminalEnd | null {
  const end = events.findLast(event => event.type === 'terminal_end' && event.track === track);
  if (end === undefined) {
    return null;
  }
  return { t: since(end.at), exitCode: typeof end.exit_code === 'number' ? end.exit_code : null };
}
