/**
 * Searches what was recorded: chat, cells, terminals, commands, markers. A hit's moment is when all of it had come.
 */

import { stripAnsi } from './ansi';
import { describe } from './chapters';
import { multiline } from './cells';
import { PlainTerminal } from './plain-terminal';
import type { Recording, TimedEvent } from './recording';
import type { Terminal } from './terminals';
import { text } from './text';

export type Where = 'chat' | 'source' | 'output' | 'terminal' | 'command' | 'marker' | 'note';

export interface Hit {
  /** Seconds. */
  readonly t: number;
  readonly where: Where;
  /** The track that shows it. */
  readonly track: string;
  readonly before: string;
  readonly match: string;
  readonly after: string;
}

export const MAX_HITS = 1000;
const CONTEXT = 40;

/** Any white space in the query stands for any in the text; null where there is nothing to search for. */
export function patternOf(query: string): RegExp | null {
  const words = query.trim().split(/\s+/).filter(word => word !== '');
  return words.length === 0 ? null : new RegExp(words.map(word => word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('\\s+'), 'giu');
}

/** A text that came in pieces. */
export class Passage {
  private parts: string[] = [];
  private length = 0;
  /** Where each piece ends, and when it came. */
  private readonly ends: number[] = [];
  private readonly times: number[] = [];
  /** How often an earlier text of the same message has the query: those are no new hits. */
  earlier: Passage | null = null;

  constructor(
    readonly where: Where,
    readonly track: string
  ) {}

  add(piece: string, t: number): this {
    if (piece !== '') {
      this.parts.push(piece);
      this.length += piece.length;
      this.ends.push(this.length);
      this.times.push(t);
    }
    return this;
  }

  get all(): string {
    if (this.parts.length > 1) {
      this.parts = [this.parts.join('')];
    }
    return this.parts[0] ?? '';
  }

  /** @param after only what ends behind so many characters */
  find(pattern: RegExp, hits: Hit[], after = 0): void {
    const { all } = this;
    let known = this.earlier === null ? 0 : Array.from(this.earlier.all.matchAll(pattern)).length;
    for (const { 0: match, index } of all.matchAll(pattern)) {
      if (known > 0) {
        known -= 1;
        continue;
      }
      const end = index + match.length;
      if (end <= after) {
        continue;
      }
      const [before, behind] = [all.slice(Math.max(0, index - CONTEXT), index), all.slice(end, end + CONTEXT)];
      hits.push({ t: this.timeAt(end), where: this.where, track: this.track, before, match, after: behind });
      if (hits.length > MAX_HITS * 4) {
        return;
      }
    }
  }

  private timeAt(end: number): number {
    let low = 0;
    let high = this.ends.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ends[middle]! < end) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return this.times[low]!;
  }
}

export class SearchIndex {
  private readonly passages: Passage[] = [];
  /** What may still go on: messages by id, a cell's last stream by cell. */
  private readonly messages = new Map<string, Passage>();
  private readonly streams = new Map<string, { name: unknown; passage: Passage }>();
  private readonly terminals = new Map<Terminal, { plain: PlainTerminal; passage: Passage; next: number }>();
  private next = 0;

  constructor(private readonly recording: Recording) {}

  /** The hits in order of time, at most `MAX_HITS`. */
  search(pattern: RegExp): Hit[] {
    this.grow();
    const hits: Hit[] = [];
    for (const passage of this.passages) {
      passage.find(pattern, hits);
    }
    return hits.sort((a, b) => a.t - b.t).slice(0, MAX_HITS);
  }

  private grow(): void {
    const { events, terminals } = this.recording;
    for (; this.next < events.length; this.next += 1) {
      this.take(events[this.next]!);
    }
    for (const terminal of terminals) {
      this.takeTerminal(terminal);
    }
  }

  private begin(where: Where, track: string, piece: string, t: number): Passage {
    const passage = new Passage(where, track).add(piece, t);
    this.passages.push(passage);
    return passage;
  }

  private take({ t, event }: TimedEvent): void {
    const cell = String(event.cell_id ?? '');
    switch (event.type) {
      case 'message_add':
        return this.setMessage(event, t);
      case 'message_append':
        this.messages.get(text(event.message_id))?.add(text(event.content_delta), t);
        return;
      case 'message_update':
        return this.setMessage(event, t);
      case 'session_snapshot':
        for (const message of Array.isArray(event.messages) ? (event.messages as unknown[]) : []) {
          if (typeof message === 'object' && message !== null) {
            this.setMessage(message as Record<string, unknown>, t);
          }
        }
        return;
      case 'cell_start':
        this.streams.delete(cell);
        if (event.hidden !== true) {
          this.begin('source', 'cells', text(event.source), t);
        }
        return;
      case 'output':
      case 'update_display':
        return this.takeOutput(cell, event.output, t);
      case 'clear_output':
        this.streams.delete(cell);
        return;
      case 'marker':
      case 'note':
        this.begin(event.type, 'cells', describe(event), t);
        return;
      case 'command_start':
      case 'terminal_start':
        this.begin('command', `terminal:${text(event.track)}`, text(event.command), t);
    }
  }

  private setMessage(fields: Record<string, unknown>, t: number): void {
    const id = text(fields.message_id);
    const earlier = this.messages.get(id) ?? null;
    const content = text(fields.content);
    if (earlier?.all !== content) {
      const passage = this.begin('chat', 'chat', content, t);
      passage.earlier = earlier;
      this.messages.set(id, passage);
    }
  }

  private takeOutput(cell: string, value: unknown, t: number): void {
    const output = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
    const stream = this.streams.get(cell);
    if (stream !== undefined && output.output_type === 'stream' && stream.name === output.name) {
      stream.passage.add(stripAnsi(multiline(output.text)), t);
      return;
    }
    const passage = this.begin('output', 'cells', outputText(output), t);
    if (output.output_type === 'stream') {
      this.streams.set(cell, { name: output.name, passage });
    } else {
      this.streams.delete(cell);
    }
  }

  private takeTerminal(terminal: Terminal): void {
    let known = this.terminals.get(terminal);
    if (known === undefined) {
      known = { plain: new PlainTerminal(), passage: this.begin('terminal', `terminal:${terminal.track}`, '', 0), next: 0 };
      this.terminals.set(terminal, known);
    }
    if (terminal.events.length === 0) {
      return this.takeMarkers(terminal, known);
    }
    for (; known.next < terminal.events.length; known.next += 1) {
      const { t, code, data } = terminal.events[known.next]!;
      if (code === 'o') {
        known.passage.add(known.plain.add(data), t);
      } else if (code === 'm') {
        this.begin('marker', `terminal:${terminal.track}`, data, t);
      }
    }
  }

  /** Of a terminal that is too large to be held, the markers alone are here: see `searchLarge`. */
  private takeMarkers({ markers, track }: Terminal, known: { next: number }): void {
    for (; known.next < markers.length; known.next += 1) {
      this.begin('marker', `terminal:${track}`, markers[known.next]!.data, markers[known.next]!.t);
    }
  }
}

function outputText(output: Record<string, unknown>): string {
  if (output.output_type === 'stream') {
    return stripAnsi(multiline(output.text));
  }
  if (output.output_type === 'error') {
    const lines = Array.isArray(output.traceback) ? output.traceback.map(String).join('\n') : '';
    return stripAnsi(lines) || `${text(output.ename)}: ${text(output.evalue)}`;
  }
  const data = (typeof output.data === 'object' && output.data !== null ? output.data : {}) as Record<string, unknown>;
  return ['text/markdown', 'text/plain', 'text/latex'].map(mime => multiline(data[mime])).find(found => found !== '') ?? '';
}
