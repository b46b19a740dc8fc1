/**
 * Follows a recording's tracks over the recorder's WebSocket: each event once, in order, also after a cut.
 */

import { LiveSocket } from './live-socket';

export interface TrackListener {
  /** An event of a track: its journal line, or a cast's array (index 0: the header). Indices only grow. */
  event(track: string, index: number, event: unknown): void;
  /** The recording's state may have changed. */
  changed(state: string): void;
  /** The recording is not there any more, or may not be read. */
  gone(): void;
  connected(up: boolean): void;
}

export class TrackSocket {
  private readonly next = new Map<string, number>();
  private readonly socket: LiveSocket;

  /** @param url makes the address, since a token in it may change */
  constructor(
    url: () => string,
    private readonly recordingId: string,
    private readonly listener: TrackListener,
    make?: (url: string) => WebSocket
  ) {
    const own = {
      greet: () => [...this.next.keys()].forEach(track => this.subscribe(track)),
      hear: (message: Readonly<Record<string, unknown>>) => this.hear(message),
      connected: (up: boolean) => listener.connected(up)
    };
    this.socket = new LiveSocket(url, own, make);
  }

  /** Follows a track from an index on. */
  follow(track: string, from: number): void {
    if (!this.next.has(track)) {
      this.next.set(track, from);
      this.subscribe(track);
    }
  }

  close(): void {
    this.socket.close();
  }

  private subscribe(track: string): void {
    this.socket.send({ type: 'subscribe', recording_id: this.recordingId, track, from: this.next.get(track) });
  }

  private hear(message: Readonly<Record<string, unknown>>): void {
    switch (message.type) {
      case 'track_event':
        return this.take(message);
      case 'recording_changed':
        return message.id === this.recordingId ? this.listener.changed(String(message.state)) : undefined;
      case 'error':
        return message.code === 'recording_not_found' || message.code === 'forbidden' ? this.listener.gone() : undefined;
    }
  }

  private take({ recording_id: id, track, index, event }: Readonly<Record<string, unknown>>): void {
    const next = this.next.get(String(track));
    // What was under way when a connection was cut may come again.
    if (id !== this.recordingId || next === undefined || typeof index !== 'number' || index < next) {
      return;
    }
    this.next.set(String(track), index + 1);
    this.listener.event(String(track), index, event);
  }
}
