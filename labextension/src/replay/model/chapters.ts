/**
 * Names the moments that a timeline shows and that a reader jumps between.
 */

import type { JournalEvent } from './journal';
import type { TimedEvent } from './recording';
import type { Terminal } from './terminals';
import { text } from './text';

export type ChapterKind = 'marker' | 'note' | 'gap' | 'resume' | 'error' | 'cell' | 'command';

export interface Chapter {
  readonly t: number;
  readonly kind: ChapterKind;
  readonly label: string;
}

const LABEL_LENGTH = 80;

/** What a timeline says of an event; empty where it says nothing. */
export function describe(event: JournalEvent): string {
  switch (event.type) {
    case 'marker':
      return text(event.label);
    case 'note':
      return text(event.text);
    case 'gap':
      return describeGap(event);
    case 'resume':
      return 'Recording resumed';
    case 'cell_start':
      return event.hidden === true ? '' : describeCell(event);
    case 'output':
      return describeError(event.output);
    case 'command_start':
      return text(event.command);
    case 'terminal_start':
      return text(event.command);
    default:
      return '';
  }
}

function describeGap(event: JournalEvent): string {
  const lost = [
    typeof event.events === 'number' ? `${event.events} events` : '',
    typeof event.bytes === 'number' ? `${event.bytes} bytes` : ''
  ].filter(part => part !== '');
  const what = lost.length ? `${lost.join(', ')} are missing` : 'something is missing';
  return `Gap: ${what} (${text(event.reason).replaceAll('_', ' ') || 'no reason given'})`;
}

function describeCell(event: JournalEvent): string {
  const count = typeof event.execution_count === 'number' ? event.execution_count : ' ';
  return `[${count}] ${firstLine(text(event.source))}`;
}

function describeError(output: unknown): string {
  const { output_type, ename, evalue } = (output ?? {}) as Record<string, unknown>;
  return output_type === 'error' ? `${text(ename)}: ${firstLine(text(evalue))}` : '';
}

const KINDS: Record<string, ChapterKind> = {
  marker: 'marker',
  note: 'note',
  gap: 'gap',
  resume: 'resume',
  cell_start: 'cell',
  output: 'error',
  command_start: 'command',
  terminal_start: 'command'
};

export function chaptersOf(events: readonly TimedEvent[], terminals: readonly Pick<Terminal, 'markers'>[]): Chapter[] {
  const chapters: Chapter[] = [];
  for (const { t, event, text: label } of events) {
    const kind = KINDS[event.type];
    if (kind !== undefined && label !== '') {
      chapters.push({ t, kind, label: shorten(label) });
    }
  }
  for (const { markers } of terminals) {
    for (const { t, data } of markers) {
      chapters.push({ t, kind: 'marker', label: shorten(data || 'Marker') });
    }
  }
  return chapters.sort((a, b) => a.t - b.t).filter((chapter, at, all) => !repeats(chapter, all[at - 1], all[at + 1]));
}

/** A terminal made for one command names it twice; one found in a shell stands in the journal and as a marker too. */
function repeats(chapter: Chapter, before: Chapter | undefined, after: Chapter | undefined): boolean {
  const sameCommand = (other: Chapter | undefined): boolean =>
    other?.kind === 'command' && other.label === chapter.label && Math.abs(other.t - chapter.t) < 1;
  return chapter.kind === 'command' ? sameCommand(before) : chapter.kind === 'marker' && (sameCommand(before) || sameCommand(after));
}

function firstLine(source: string): string {
  return source.trim().split('\n', 1)[0] ?? '';
}

function shorten(label: string): string {
  const line = label.replace(/\s+/g, ' ').trim();
  return line.length > LABEL_LENGTH ? `${line.slice(0, LABEL_LENGTH - 1)}…` : line;
}
