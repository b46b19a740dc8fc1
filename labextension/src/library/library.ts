/**
 * The recordings of the server, kept up to date by its WebSocket for all parts of the interface.
 */

import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { ApiError } from '../api';
import { LiveSocket } from '../live-socket';
import { LibraryClient } from './client';
import type { Labels, TerminalOptions } from './client';
import type { Recording } from './recording';
import { Shelf } from './shelf';

// Changes that come together are looked at together; of so many, the whole list is fetched instead.
const GATHER_MS = 100;
const MANY = 20;

// The server has not read all of its folder yet.
const INCOMPLETE_MS = 1000;

export class Library {
  readonly shelf = new Shelf();
  /** Why the list is not, or not up to date; empty: it is. */
  problem = '';
  /** Whether a list has come yet. */
  loaded = false;
  /** Whether that list held all that the server has. */
  complete = false;
  /** JupyterLab's terminals that are recorded, with their recordings' ids. */
  terminals: ReadonlyMap<string, string> = new Map();
  private socket: LiveSocket | null = null;
  private readonly pending = new Set<string>();
  private timer: number | undefined;
  private loading = false;
  private again = false;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _removed = new Signal<this, string>(this);
  private readonly _touched = new Signal<this, string>(this);

  constructor(readonly client = new LibraryClient()) {}

  /** Something of what is shown has changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** A recording was deleted; its id. */
  get removed(): ISignal<this, string> {
    return this._removed;
  }

  /** A recording has changed on the server; its id. */
  get touched(): ISignal<this, string> {
    return this._touched;
  }

  start(): void {
    this.socket ??= new LiveSocket(() => this.client.socketUrl, {
      greet: () => void this.reload(),
      hear: message => this.hear(message),
      connected: up => this.connected(up)
    });
    // Where there is no such socket, the list says why.
    void this.reload();
  }

  close(): void {
    this.socket?.close();
    window.clearTimeout(this.timer);
  }

  async label(id: string, labels: Labels): Promise<void> {
    const recording = await this.client.label(id, labels);
    if (recording !== null) {
      this.shelf.put(recording);
      this._changed.emit();
    }
  }

  async remove(id: string): Promise<void> {
    await this.client.remove(id);
    this.drop(id);
  }

  async recover(id: string): Promise<void> {
    const recording = await this.client.recover(id);
    if (recording === null) {
      this.drop(id);
    } else {
      this.shelf.put(recording);
      this._changed.emit();
    }
  }

  async recordTerminal(name: string, options: TerminalOptions): Promise<void> {
    await this.client.recordTerminal(name, options);
    await this.lookAtTerminals();
  }

  async stopTerminal(name: string): Promise<void> {
    await this.client.stopTerminal(name);
    await this.lookAtTerminals();
  }

  /** The recordings that a kernel makes now; there is one at most, but while one follows another. */
  ofKernel(kernelId: string): Recording | undefined {
    return this.shelf.live.find(recording => recording.kernelId === kernelId);
  }

  private async lookAtTerminals(): Promise<void> {
    this.terminals = await this.client.terminals();
    this._changed.emit();
  }

  private drop(id: string): void {
    if (this.shelf.get(id) !== undefined) {
      this.shelf.remove(id);
      this._removed.emit(id);
      this._changed.emit();
    }
  }

  private hear({ type, id, state }: Readonly<Record<string, unknown>>): void {
    if (type !== 'recording_changed' || typeof id !== 'string') {
      return;
    }
    this._touched.emit(id);
    if (state === 'deleted') {
      this.pending.delete(id);
      this.drop(id);
      return;
    }
    this.pending.add(id);
    this.soon(GATHER_MS);
  }

  private connected(up: boolean): void {
    if (!up && !this.problem) {
      this.problem = this.loaded ? 'The server can\'t be reached: this list is as it was when it was last heard.' : 'The server can\'t be reached.';
      this._changed.emit();
    }
  }

  private soon(ms: number): void {
    this.timer ??= window.setTimeout(() => {
      this.timer = undefined;
      void this.fetch();
    }, ms);
  }

  private async fetch(): Promise<void> {
    const ids = [...this.pending];
    this.pending.clear();
    if (ids.length > MANY) {
      return this.reload();
    }
    try {
      const [terminals, ...found] = await Promise.all([this.client.terminals(), ...ids.map(id => this.client.find(id))]);
      this.terminals = terminals;
      found.forEach((recording, index) => (recording === null ? this.drop(ids[index]!) : this.shelf.put(recording)));
      this._changed.emit();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Fetches the whole list, once at a time. */
  private async reload(): Promise<void> {
    if (this.loading) {
      this.again = true;
      return;
    }
    this.loading = true;
    try {
      do {
        this.again = false;
        const { recordings, incomplete } = await this.client.list();
        const before = this.shelf.all;
        this.shelf.replace(recordings);
        before.filter(({ id }) => !incomplete && this.shelf.get(id) === undefined).forEach(({ id }) => this._removed.emit(id));
        this.complete = !incomplete;
        if (incomplete) {
          window.setTimeout(() => void this.reload(), INCOMPLETE_MS);
        }
      } while (this.again);
      this.terminals = await this.client.terminals();
      this.loaded = true;
      this.problem = '';
      this._changed.emit();
    } catch (error) {
      this.fail(error);
    } finally {
      this.loading = false;
    }
  }

  private fail(error: unknown): void {
    const unreachable = error instanceof ApiError && error.trouble === 'unreachable';
    // The socket says when it is back.
    if (!unreachable || !this.problem) {
      this.problem = error instanceof Error ? error.message : String(error);
      this._changed.emit();
    }
  }
}
