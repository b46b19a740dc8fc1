/**
 * Feeds a frame with a recording that the Jupyter server has: what is there, then what comes while it is recorded.
 */

import { ApiError, RecordingApi } from '../api';
import type { FileState } from '../api';
import { keepIndex, keptIndex } from '../index-cache';
import { TrackSocket } from '../socket';
import type { FrameHost } from './frame-host';
import { JOURNAL_FILE } from './model/recording';
import type { LargeFile, Manifest } from './port';
import type { Feed } from './source';
import type { FrameOptions } from './srcdoc';

const RETRY_MS = 3000;

// How often the size of a large file that is still written is asked for.
const GROWTH_EVERY_MS = 1000;

/** What is larger is read by ranges: a page that holds it whole takes many times as much. */
export const LARGE_BYTES = 8 * 2 ** 20;

// Payloads that stand beside the journal, such as pictures: what lies beyond is named in its place.
const MAX_BLOB_BYTES = 64 * 2 ** 20;

export class LinkedRecording implements Feed {
  private session: Session | null = null;

  constructor(
    id: string,
    private readonly options: FrameOptions,
    private readonly api = new RecordingApi(id)
  ) {}

  start(host: FrameHost): void {
    this.stop();
    this.session = new Session(this.api, host, this.options);
    void this.session.run();
  }

  stop(): void {
    this.session?.close();
    this.session = null;
  }

  read(file: string, start: number, end: number): Promise<ArrayBuffer> {
    return this.api.bytes(file, start, end);
  }

  keep(file: string, data: ArrayBuffer): void {
    this.session?.keep(file, data);
  }
}

/** One run of a feed, from the recording's beginning. */
class Session {
  private socket: TrackSocket | null = null;
  private timer: number | undefined;
  /** Large files that may grow: when they are looked at next, and how large they were. */
  private readonly watched = new Map<string, { readonly timer: number; readonly size: number }>();
  /** Of the large files, as they were opened. */
  private readonly etags = new Map<string, string>();
  private closed = false;
  private lost = false;
  private blobBytes = 0;
  /** The last event of the journal that was given to the frame. */
  private seq = 0;
  /** How many events a recording that has ended holds: it ends here when they have come. */
  private whole: number | null = null;
  private readonly blobs = new Set<string>();
  private readonly followed = new Set<string>();
  private readonly waiting: { file: string; from: number; lines: string[] }[] = [];
  /** What is to be sent, one after the other: a payload is fetched before the line that names it is sent. */
  private queue: Promise<void> = Promise.resolve();

  constructor(
    private readonly api: RecordingApi,
    private readonly host: FrameHost,
    private readonly options: FrameOptions
  ) {}

  async run(): Promise<void> {
    try {
      await this.begin();
    } catch (error) {
      this.fail(error);
    }
  }

  /** What was made of a file that has grown since is not of these bytes. */
  keep(file: string, data: ArrayBuffer): void {
    const etag = this.etags.get(file);
    if (etag !== undefined) {
      void keepIndex(this.api.fileUrl(file), etag, data);
    }
  }

  close(): void {
    this.closed = true;
    window.clearTimeout(this.timer);
    this.unwatch();
    this.socket?.close();
  }

  private async begin(): Promise<void> {
    const manifest = await this.api.manifest();
    const live = manifest.state === 'recording';
    const journal = await this.journal();
    const casts = castsIn(journal);
    const states = await Promise.all(casts.map(async file => ({ file, ...(await this.state(file)) })));
    const large = await Promise.all(states.filter(({ size }) => size > LARGE_BYTES).map(async state => this.large(state)));
    if (this.closed) {
      return;
    }
    this.host.open(manifest, this.options, live, large);
    await this.give(JOURNAL_FILE, journal);
    this.seq = lastSeq(journal);
    const small = states.filter(({ size }) => size > 0 && size <= LARGE_BYTES).map(({ file }) => file);
    const next = new Map<string, number>();
    for (const file of small) {
      const text = await this.api.text(file);
      await this.give(file, text, 0);
      next.set(file, countLines(text));
    }
    if (this.closed) {
      return;
    }
    if (live || isIncomplete(manifest, journal)) {
      this.follow(lastSeq(journal), casts.filter(file => !large.some(({ name }) => name === file)), next);
    }
    if (live) {
      large.forEach(({ name, size }) => this.watch(name, size));
    } else {
      await this.finish();
    }
  }

  /** A recording of which nothing was written yet has no journal. */
  private async journal(): Promise<string> {
    try {
      return await this.api.text(JOURNAL_FILE);
    } catch (error) {
      if (error instanceof ApiError && error.trouble === 'not_found') {
        return '';
      }
      throw error;
    }
  }

  private async state(file: string): Promise<FileState> {
    try {
      return await this.api.state(file);
    } catch (error) {
      if (error instanceof ApiError && error.trouble !== 'unreachable') {
        return { size: 0, etag: '' };
      }
      throw error;
    }
  }

  private async large({ file, size, etag }: FileState & { readonly file: string }): Promise<LargeFile> {
    this.etags.set(file, etag);
    const index = await keptIndex(this.api.fileUrl(file), etag);
    return { name: file, size, ...(index !== undefined && { index }) };
  }

  /** Tells how a large file grows, for as long as it may. */
  private watch(file: string, size: number): void {
    const timer = window.setTimeout(() => void this.look(file, size).then(now => this.watched.has(file) && this.watch(file, now)), GROWTH_EVERY_MS);
    this.watched.set(file, { timer, size });
  }

  /** A server that can't be reached is asked again. */
  private async look(file: string, before: number): Promise<number> {
    const size = await this.state(file).then(state => Math.max(before, state.size), () => before);
    if (!this.closed && size > before) {
      this.etags.delete(file);
      this.host.grown(file, size);
    }
    return size;
  }

  private unwatch(): void {
    this.watched.forEach(({ timer }) => window.clearTimeout(timer));
    this.watched.clear();
  }

  /** Nothing more will come; of large files, what had come by then. */
  private async finish(): Promise<void> {
    const files = [...this.watched];
    this.unwatch();
    await Promise.all(files.map(([file, { size }]) => this.look(file, size)));
    this.host.end();
  }

  private follow(seq: number, casts: readonly string[], next: ReadonlyMap<string, number>): void {
    this.socket = new TrackSocket(() => this.api.socketUrl, this.api.id, {
      event: (track, index, event) => this.take(track, index, event),
      changed: state => this.changed(state),
      gone: () => this.gone(),
      connected: up => this.connected(up)
    });
    this.socket.follow('journal', seq + 1);
    casts.forEach(file => this.followCast(file, next.get(file) ?? 0));
  }

  private followCast(file: string, from: number): void {
    if (!this.followed.has(file)) {
      this.followed.add(file);
      this.socket?.follow(file.replace(/\.cast$/, ''), from);
    }
  }

  private take(track: string, index: number, event: unknown): void {
    const file = track === 'journal' ? JOURNAL_FILE : `${track}.cast`;
    const line = `${JSON.stringify(event)}\n`;
    const last = this.waiting.at(-1);
    if (last !== undefined && last.file === file && last.from + last.lines.length === index) {
      last.lines.push(line);
    } else {
      this.waiting.push({ file, from: index, lines: [line] });
      if (this.waiting.length === 1) {
        queueMicrotask(() => this.flush());
      }
    }
    if (track === 'journal') {
      castsIn(line).forEach(name => this.followCast(name, 0));
    }
  }

  private flush(): void {
    for (const { file, from, lines } of this.waiting.splice(0)) {
      this.later(async () => {
        await this.give(file, lines.join(''), from);
        if (file === JOURNAL_FILE) {
          this.seq = from + lines.length - 1;
          await this.endIfWhole();
        }
      });
    }
  }

  private later(step: () => Promise<void>): void {
    this.queue = this.queue.then(step).catch(error => this.host.notice(said(error)));
  }

  private async give(file: string, text: string, from?: number): Promise<void> {
    if (file === JOURNAL_FILE) {
      await this.giveBlobs(text);
    }
    if (!this.closed && text !== '') {
      this.host.append(file, text, from);
    }
  }

  private async giveBlobs(lines: string): Promise<void> {
    for (const [, sha256 = ''] of lines.matchAll(/"blob":\s*"([0-9a-f]{64})"/g)) {
      if (!this.blobs.has(sha256) && this.blobBytes < MAX_BLOB_BYTES) {
        this.blobs.add(sha256);
        await this.giveBlob(sha256);
      }
    }
  }

  private async giveBlob(sha256: string): Promise<void> {
    try {
      const text = await this.api.text(`blobs/${sha256}`);
      this.blobBytes += text.length;
      this.host.blob(sha256, text);
    } catch (error) {
      // The line that names it says what is missing.
      if (!(error instanceof ApiError) || error.trouble === 'unreachable') {
        throw error;
      }
    }
  }

  private changed(state: string): void {
    if (state === 'deleted') {
      this.gone();
      return;
    }
    this.later(async () => this.settle(await this.api.manifest()));
  }

  private async settle(manifest: Manifest): Promise<void> {
    this.host.manifest(manifest);
    // What a stopped server leaves is gone on with when it is back.
    const ended = manifest.state !== 'recording' && manifest.reason !== 'server_stopped';
    this.whole = ended ? (eventsOf(manifest) ?? 0) : null;
    await this.endIfWhole();
  }

  private async endIfWhole(): Promise<void> {
    if (this.whole !== null && this.seq >= this.whole) {
      this.whole = null;
      await this.finish();
    }
  }

  private gone(): void {
    this.close();
    this.host.notice('This recording was deleted while it was open. What had come by then is still shown here.');
    this.host.end();
  }

  private connected(up: boolean): void {
    if (up && this.lost) {
      // It may have ended meanwhile, or be gone.
      this.later(() => this.catchUp());
    } else if (!up && !this.lost) {
      this.host.notice('The server can\'t be reached: what comes is not shown until it is back.');
    }
    this.lost = !up;
  }

  private async catchUp(): Promise<void> {
    try {
      const manifest = await this.api.manifest();
      this.host.notice('');
      await this.settle(manifest);
    } catch (error) {
      if (error instanceof ApiError && error.trouble === 'not_found') {
        this.gone();
      } else {
        throw error;
      }
    }
  }

  private fail(error: unknown): void {
    if (this.closed) {
      return;
    }
    this.host.failed(said(error));
    if (error instanceof ApiError && error.trouble === 'unreachable') {
      this.timer = window.setTimeout(() => void this.run(), RETRY_MS);
    }
  }
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The files of the terminals that a journal names. */
function castsIn(journal: string): string[] {
  const files = new Set<string>();
  for (const line of journal.split('\n')) {
    if (line.includes('"terminal_start"')) {
      const { type, file } = parse(line);
      if (type === 'terminal_start' && typeof file === 'string' && /^[A-Za-z0-9][A-Za-z0-9_-]*\.cast$/.test(file)) {
        files.add(file);
      }
    }
  }
  return [...files];
}

function lastSeq(journal: string): number {
  for (let end = journal.length; end > 0; ) {
    const start = journal.lastIndexOf('\n', end - 1);
    const { seq } = parse(journal.slice(start + 1, end));
    if (typeof seq === 'number') {
      return seq;
    }
    end = start;
  }
  return 0;
}

/** After a failed disk a journal goes on in further files, which only the followed track joins. */
function isIncomplete(manifest: Manifest, journal: string): boolean {
  return (eventsOf(manifest) ?? 0) > lastSeq(journal);
}

function eventsOf({ counts }: Manifest): number | undefined {
  const events = typeof counts === 'object' && counts !== null ? (counts as { events?: unknown }).events : undefined;
  return typeof events === 'number' ? events : undefined;
}

function parse(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function countLines(text: string): number {
  return text.split('\n').length - 1;
}
