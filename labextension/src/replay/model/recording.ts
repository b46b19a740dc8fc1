/**
 * A recording on one clock: tracks, timed events and the chapters of the timeline. It may grow while it is shown.
 */

import { InvalidCast } from './cast';
import type { CastFile } from './cast-file';
import { chaptersOf, describe } from './chapters';
import type { Chapter } from './chapters';
import type { Timed } from './cursor';
import { JournalReader } from './journal';
import type { JournalEvent } from './journal';
import { LargeTerminal } from './large-terminal';
import { GrowingTerminal, endOf } from './terminals';
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
  readonly name: string;
  readonly kind: string;
  readonly state: string;
  /** More may come. */
  readonly live: boolean;
  /** Not all that was recorded has come yet. */
  readonly reading: boolean;
  /** Seconds from the first event to the last. */
  readonly duration: number;
  /** Seconds: up to where it is known when something happened. */
  readonly known: number;
  readonly tracks: readonly Track[];
  /** The same list for good: what is new comes last. */
  readonly events: readonly TimedEvent[];
  readonly terminals: readonly Terminal[];
  readonly chapters: readonly Chapter[];
  /** When something happened, in order, in seconds: all tracks together. The same list for good. */
  readonly activity: readonly number[];
  readonly damaged: number;
}

interface Large {
  readonly cast: CastFile;
  readonly saved: ArrayBuffer | undefined;
}

interface CastLines {
  readonly lines: string;
  readonly from: number | undefined;
}

/** What a journal's lines are appended to. */
export const JOURNAL_FILE = 'session.ndjson';
const JOURNAL = /^session(\.\d+)?\.ndjson$/;
const CAST = /\.cast$/;

/** A recording of which whole lines may still come. */
export class GrowingRecording implements Recording {
  readonly events: TimedEvent[] = [];
  readonly terminals: (GrowingTerminal | LargeTerminal)[] = [];
  readonly activity: number[] = [];
  private readonly journal: JournalReader;
  private readonly blobs = new Map<string, string>();
  private readonly starts = new Map<string, JournalEvent>();
  /** Casts that can't be read: what else comes of them is dropped. */
  private readonly unreadable = new Map<string, InvalidCast>();
  /** What came of casts before the journal's line that says when they began. */
  private readonly early = new Map<string, CastLines[]>();
  /** Casts that are read by ranges once their terminals begin. */
  private readonly large = new Map<string, Large>();
  private readonly listeners = new Set<() => void>();
  /** Given what is worth keeping of a large cast once it is prepared: `addLarge` takes it the next time. */
  onPrepared: (file: string, saved: ArrayBuffer) => void = () => undefined;
  /** Told what keeps a part of it from being shown. */
  onTrouble: (message: string) => void = () => undefined;
  reading: boolean;
  private origin: number | null = null;
  private told: { tracks: Track[]; chapters: Chapter[] } | null = null;

  /**
   * @param live it is still being recorded
   * @param fed its lines come over a connection: once each, and what is missing is shown
   */
  constructor(
    private manifest: Record<string, unknown>,
    public live: boolean,
    fed = true
  ) {
    this.reading = fed;
    this.journal = new JournalReader(sha => this.blobs.get(sha), fed);
  }

  get title(): string {
    const [terminal] = this.terminals;
    const names = [this.manifest.title, this.manifest.name, this.journal.header.name, terminal?.title, terminal && 'Terminal'];
    return names.map(text).find(name => name !== '') ?? 'Recording';
  }

  /** What a replay of it is asked for by; empty where it has no name. */
  get name(): string {
    return [this.manifest.id, this.journal.header.id, this.manifest.name].map(text).find(name => name !== '') ?? '';
  }

  get kind(): string {
    return text(this.manifest.kind) || text(this.journal.header.kind) || (this.terminals.length ? 'terminal' : '');
  }

  get state(): string {
    return text(this.manifest.state) || 'completed';
  }

  get duration(): number {
    return this.activity.at(-1) ?? 0;
  }

  get known(): number {
    return this.terminals.reduce((least, one) => (one instanceof LargeTerminal ? Math.min(least, one.known) : least), Infinity);
  }

  get tracks(): Track[] {
    return this.outline().tracks;
  }

  get chapters(): Chapter[] {
    return this.outline().chapters;
  }

  get damaged(): number {
    return this.terminals.reduce((sum, terminal) => sum + terminal.damaged, this.journal.damaged);
  }

  /** Calls the listener after every change. */
  subscribe(listener: () => void): void {
    this.listeners.add(listener);
  }

  addBlob(sha256: string, content: string): void {
    this.blobs.set(sha256, content);
  }

  /** Has a cast read by ranges: nothing of it is appended. `saved` is what `onPrepared` was given for the same bytes. */
  addLarge(file: string, cast: CastFile, saved?: ArrayBuffer): void {
    this.large.set(file, { cast, saved });
  }

  /** There are so many bytes of a large cast now. */
  grown(file: string, size: number): void {
    const terminal = this.terminals.find(one => one.file === file);
    if (terminal instanceof LargeTerminal) {
      terminal.grow(size).catch(error => this.onTrouble(said(error)));
    } else {
      this.large.get(file)?.cast.grow(size);
    }
  }

  setManifest(manifest: Record<string, unknown>): void {
    this.manifest = manifest;
    // What was interrupted may be resumed.
    this.live ||= manifest.state === 'recording';
    this.notify();
  }

  /** Nothing more will come. */
  end(): void {
    this.live = this.reading = false;
    this.terminals.forEach(terminal => terminal instanceof LargeTerminal && terminal.stop());
    [...this.early.keys()].forEach(file => this.takeEarly(file));
    this.notify();
  }

  /**
   * Takes whole lines of a file, in order; `from` is the index of the first one in a cast (see `ToFrame`).
   * Raises InvalidCast for a cast that can't be read, where there is nothing else to show.
   */
  append(file: string, lines: string, from?: number): void {
    if (JOURNAL.test(file)) {
      this.appendEvents(this.journal.read(lines));
    } else if (CAST.test(file) && !this.unreadable.has(file)) {
      this.appendCast(file, lines, from);
    }
    this.notify();
  }

  private appendEvents(events: JournalEvent[]): void {
    const added = events.map(event => ({ t: this.since(event.at), event, text: describe(event) }));
    for (const one of added) {
      this.events.push(one);
      this.noteTerminal(one.event, one.t);
    }
    this.mark(added);
  }

  private noteTerminal(event: JournalEvent, t: number): void {
    if (event.type === 'terminal_start') {
      this.starts.set(text(event.file), event);
      const large = this.large.get(text(event.file));
      if (large !== undefined && this.terminals.every(({ file }) => file !== event.file)) {
        void this.beginLarge(text(event.file), large, event, t);
      }
      this.takeEarly(text(event.file));
    } else if (event.type === 'terminal_end') {
      const terminal = this.terminals.findLast(({ track }) => track === event.track);
      if (terminal !== undefined) {
        terminal.end = endOf(event, t);
      }
    }
  }

  private appendCast(file: string, lines: string, from?: number): void {
    const terminal = this.terminals.find(one => one.file === file);
    if (terminal === undefined) {
      // A recorder makes the file first; begun now, it would stand at the recording's beginning.
      if (this.live && !this.starts.has(file)) {
        const early = this.early.get(file) ?? [];
        early.push({ lines, from });
        this.early.set(file, early);
      } else {
        this.beginTerminal(file, lines);
      }
      return;
    }
    if (terminal instanceof LargeTerminal) {
      return;
    }
    const { missing, added } = terminal.append(lines, from);
    if (missing > 0) {
      this.missing(missing, added[0]?.t ?? this.duration);
    }
    this.mark(added);
  }

  private takeEarly(file: string): void {
    const early = this.early.get(file) ?? [];
    this.early.delete(file);
    early.forEach(({ lines, from }) => this.unreadable.has(file) || this.appendCast(file, lines, from));
  }

  private beginTerminal(file: string, lines: string): void {
    const start = this.starts.get(file);
    try {
      const terminal = new GrowingTerminal(file, lines, start, start ? this.since(start.at) : 0);
      this.take(terminal);
      this.mark(terminal.events);
    } catch (error) {
      if (!(error instanceof InvalidCast) || this.events.length === 0) {
        throw error;
      }
      // It costs its own track only.
      this.unreadable.set(file, error);
    }
  }

  private take(terminal: GrowingTerminal | LargeTerminal): void {
    this.terminals.push(terminal);
    const end = this.events.findLast(({ event }) => event.type === 'terminal_end' && event.track === terminal.track);
    terminal.end = end === undefined ? null : endOf(end.event, end.t);
  }

  private async beginLarge(file: string, { cast, saved }: Large, start: JournalEvent, t: number): Promise<void> {
    try {
      const terminal = await LargeTerminal.open(file, cast, start, t, this.live ? undefined : saved);
      this.large.delete(file);
      terminal.live = this.live;
      terminal.learnt = activity => this.mark(activity);
      terminal.changed = () => this.notify();
      terminal.finished = () => void terminal.save().then(whole => this.onPrepared(file, whole));
      this.take(terminal);
      this.mark(terminal.activity);
      this.mark([{ t: terminal.begins }, { t: terminal.ends }]);
      this.notify();
    } catch (error) {
      this.onTrouble(`${file} can't be shown. ${said(error)}`);
    }
  }

  /** What did not come over the connection is shown as what a recorder could not write is. */
  private missing(events: number, t: number): void {
    const at = Math.max(this.events.at(-1)?.event.at ?? 0, (this.origin ?? 0) + Math.round(t * 1000));
    this.appendEvents([{ at, type: 'gap', reason: 'not_received', events }]);
  }

  private since(at: number): number {
    this.origin ??= originOf(this.manifest, at);
    return Math.max(0, at - this.origin) / 1000;
  }

  /** Merges in place: tracks come one after the other, and each on its own clock. */
  private mark(added: readonly Timed[]): void {
    let old = this.activity.length - 1;
    let fresh = added.length - 1;
    this.activity.length += added.length;
    for (let at = this.activity.length - 1; fresh >= 0; at -= 1) {
      const takeOld = old >= 0 && this.activity[old]! > added[fresh]!.t;
      this.activity[at] = takeOld ? this.activity[old--]! : added[fresh--]!.t;
    }
  }

  private outline(): { tracks: Track[]; chapters: Chapter[] } {
    return (this.told ??= {
      tracks: tracksOf(this.events, this.terminals),
      chapters: chaptersOf(this.events, this.terminals)
    });
  }

  private notify(): void {
    this.told = null;
    for (const listener of this.listeners) {
      listener();
    }
  }
}

/** Reads a recording that is there as a whole. */
export function parseRecording(payload: Payload): GrowingRecording {
  const recording = beginRecording(payload);
  appendCasts(recording, payload);
  return recording;
}

/** Reads all of a payload but its casts: of the journal there may come more before them. `large` are read by ranges. */
export function beginRecording(payload: Payload, large: ReadonlyMap<string, CastFile> = new Map()): GrowingRecording {
  const recording = new GrowingRecording(payload.manifest ?? {}, false, false);
  large.forEach((cast, file) => recording.addLarge(file, cast));
  for (const [sha256, base64] of Object.entries(payload.blobs ?? {})) {
    const content = decodeBlob(base64);
    if (content !== undefined) {
      recording.addBlob(sha256, content);
    }
  }
  recording.append(JOURNAL_FILE, payload.journal ?? '');
  return recording;
}

/** Reads a payload's casts, the journal being read. */
export function appendCasts(recording: GrowingRecording, payload: Payload): void {
  for (const [file, content] of Object.entries(payload.casts ?? {})) {
    recording.append(file, content);
  }
}

/** Decodes base64 to the text that it holds as UTF-8. */
function decodeBlob(base64: string): string | undefined {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(base64), char => char.charCodeAt(0)));
  } catch {
    return undefined;
  }
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function originOf({ started_at: started }: Record<string, unknown>, first: number): number {
  return typeof started === 'number' && Number.isFinite(started) && started <= first ? started : first;
}
