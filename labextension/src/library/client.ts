/**
 * The recorder's REST interface for all that is done with recordings as a whole.
 */

import { ServerConnection } from '@jupyterlab/services';

import { ApiError, ask, recordingPath, socketUrl } from '../api';
import { readRecording } from './recording';
import type { Recording } from './recording';

export interface Hit {
  readonly recordingId: string;
  readonly track: string;
  /** Unix ms. */
  readonly at: number;
  readonly snippet: string;
}

export interface Hits {
  readonly hits: readonly Hit[];
  readonly total: number;
  /** Where the next page begins; undefined: there is none. */
  readonly next?: string;
}

export interface Labels {
  readonly name?: string;
  readonly title?: string;
  readonly tags?: readonly string[];
}

export interface TerminalOptions {
  /** Whether what is typed is recorded too. */
  readonly input: boolean;
  /** Regular expressions: what they match is taken out, too. */
  readonly redactPatterns: readonly string[];
}

const PAGE = 1000;

export class LibraryClient {
  constructor(readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings()) {}

  get socketUrl(): string {
    return socketUrl(this.settings);
  }

  /** All recordings; `incomplete`: the server has only begun to list them. */
  async list(): Promise<{ recordings: Recording[]; incomplete: boolean }> {
    const recordings: Recording[] = [];
    let incomplete = false;
    for (let after: string | undefined, more = true; more; ) {
      const query = new URLSearchParams({ limit: String(PAGE), ...(after !== undefined && { after }) });
      const page = await this.json(`recordings?${query}`);
      recordings.push(...list(page.recordings).flatMap(raw => readRecording(raw) ?? []));
      incomplete ||= page.incomplete === true;
      after = typeof page.next === 'string' ? page.next : undefined;
      more = after !== undefined;
    }
    return { recordings, incomplete };
  }

  /** One recording; null if it is not there. */
  async find(id: string): Promise<Recording | null> {
    try {
      return readRecording(await this.json(recordingPath(id), {}, id));
    } catch (error) {
      if (error instanceof ApiError && error.trouble === 'not_found') {
        return null;
      }
      throw error;
    }
  }

  async search(words: string, limit: number, after?: string): Promise<Hits> {
    const query = new URLSearchParams({ q: words, limit: String(limit), ...(after !== undefined && { after }) });
    const { hits, total, next } = await this.json(`search?${query}`);
    return {
      hits: list(hits).flatMap(raw => readHit(raw) ?? []),
      total: typeof total === 'number' ? total : 0,
      ...(typeof next === 'string' && { next })
    };
  }

  async label(id: string, labels: Labels): Promise<Recording | null> {
    return readRecording(await this.json(recordingPath(id), { method: 'PATCH', body: JSON.stringify(labels) }, id));
  }

  async remove(id: string): Promise<void> {
    await ask(this.settings, recordingPath(id), { method: 'DELETE' }, id);
  }

  /** Gets back what a dead process left; null if it held nothing, and is gone. */
  async recover(id: string): Promise<Recording | null> {
    return readRecording((await this.json(`${recordingPath(id)}/recover`, { method: 'POST' }, id)).recording);
  }

  /** The replay as the MIME bundle of an output, embedded. */
  bundle(id: string): Promise<Record<string, unknown>> {
    return this.json(`${recordingPath(id)}/replay`, {}, id);
  }

  async exported(id: string, format: string): Promise<{ blob: Blob; name: string }> {
    const response = await ask(this.settings, `${recordingPath(id)}/export?format=${encodeURIComponent(format)}`, {}, id);
    const [, name = id] = /filename\*=UTF-8''(\S+)/.exec(response.headers.get('Content-Disposition') ?? '') ?? [];
    return { blob: await response.blob(), name: decodeURIComponent(name) };
  }

  async journal(id: string): Promise<string> {
    return (await ask(this.settings, `${recordingPath(id)}/files/session.ndjson`, {}, id)).text();
  }

  /** JupyterLab's terminals that are recorded, with their recordings' ids (empty: it is being made). */
  async terminals(): Promise<Map<string, string>> {
    const { terminals } = await this.json('terminals');
    return new Map(list(terminals).map(one => [String(field(one, 'terminal')), String(field(one, 'recording_id') ?? '')]));
  }

  /** @returns the recording's id */
  async recordTerminal(name: string, { input, redactPatterns }: TerminalOptions): Promise<string> {
    // What the server's own settings say is left to them where this reader wants no more than that.
    const wanted = { ...(input && { input }), ...(redactPatterns.length > 0 && { redact_patterns: redactPatterns }) };
    const init = { method: 'POST', body: JSON.stringify(wanted) };
    return String((await this.json(`terminals/${encodeURIComponent(name)}`, init)).recording_id);
  }

  async stopTerminal(name: string): Promise<void> {
    await ask(this.settings, `terminals/${encodeURIComponent(name)}`, { method: 'DELETE' });
  }

  private async json(path: string, init: RequestInit = {}, id = ''): Promise<Record<string, unknown>> {
    return (await (await ask(this.settings, path, init, id)).json()) as Record<string, unknown>;
  }
}

function readHit(raw: unknown): Hit | null {
  const [id, track, at, snippet] = ['recording_id', 'track', 'at', 'snippet'].map(name => field(raw, name));
  return typeof id === 'string' && typeof at === 'number' ? { recordingId: id, track: String(track), at, snippet: String(snippet) } : null;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
