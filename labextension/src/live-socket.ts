/**
 * One connection to the recorder's WebSocket that is made again for as long as it is wanted.
 */

export interface SocketListener {
  /** The connection stands: say what is wanted. */
  greet(): void;
  hear(message: Readonly<Record<string, unknown>>): void;
  connected(up: boolean): void;
}

const RETRY_MS = [500, 1000, 2000, 5000];

// A connection that a proxy dropped silently is only noticed by asking.
const PING_MS = 15_000;

export class LiveSocket {
  private socket: WebSocket | null = null;
  private tries = 0;
  private retry: number | undefined;
  private ping: number | undefined;
  private heard = true;
  private closed = false;

  /** @param url makes the address, since a token in it may change */
  constructor(
    private readonly url: () => string,
    private readonly listener: SocketListener,
    private readonly make: (url: string) => WebSocket = address => new WebSocket(address)
  ) {
    this.connect();
  }

  /** Says something if the connection stands; when it is made again, `greet` is called. */
  send(message: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify(message));
    }
  }

  close(): void {
    this.closed = true;
    window.clearTimeout(this.retry);
    window.clearInterval(this.ping);
    this.socket?.close();
  }

  private connect(): void {
    const socket = this.make(this.url());
    this.socket = socket;
    socket.onopen = () => this.greet();
    socket.onmessage = ({ data }) => this.hear(data);
    socket.onclose = () => this.lost(socket);
  }

  private greet(): void {
    this.tries = 0;
    this.heard = true;
    this.send({ type: 'hello', producer: `replay-${crypto.getRandomValues(new Uint32Array(2)).join('-')}` });
    this.send({ type: 'watch_recordings' });
    this.listener.greet();
    this.ping = window.setInterval(() => this.look(), PING_MS);
    this.listener.connected(true);
  }

  private look(): void {
    if (!this.heard) {
      this.socket?.close();
      return;
    }
    this.heard = false;
    this.send({ type: 'ping', timestamp: Date.now() });
  }

  private lost(socket: WebSocket): void {
    if (this.closed || socket !== this.socket) {
      return;
    }
    window.clearInterval(this.ping);
    this.listener.connected(false);
    const delay = RETRY_MS[Math.min(this.tries, RETRY_MS.length - 1)]!;
    this.tries += 1;
    this.retry = window.setTimeout(() => this.connect(), delay);
  }

  private hear(data: unknown): void {
    this.heard = true;
    const message = parse(data);
    if (message !== null) {
      this.listener.hear(message);
    }
  }
}

function parse(data: unknown): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(String(data));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
