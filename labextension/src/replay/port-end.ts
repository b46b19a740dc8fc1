/**
 * The frame's end of the port: takes the recording and commands from the host, and tells it how playback stands.
 */

import { CastFile } from './model/cast-file';
import { GrowingRecording } from './model/recording';
import type { Transport } from './model/transport';
import { Player } from './player';
import { READY, readToFrame } from './port';
import type { Action, FromFrame, LargeFile, PlayerState, ToFrame } from './port';
import { Ranges } from './ranges';
import type { FrameOptions } from './srcdoc';
import { h } from './views/dom';

type Control = Extract<ToFrame, { type: 'control' }>;

// While playing, every frame changes the time: a host needs no more of it than it can show.
const STATE_EVERY_MS = 100;

export class PortEnd {
  private port: MessagePort | null = null;
  private player: Player | null = null;
  private told: PlayerState | null = null;
  private readonly ranges = new Ranges(message => this.send(message));
  private timer: number | undefined;
  private obeyed = 0;

  constructor(private readonly root: HTMLElement) {}

  /** Says that the frame has started; the parent's answer, if one comes, is the port. */
  listen(): void {
    const take = (event: MessageEvent): void => {
      const [port] = event.ports;
      if (event.source !== window.parent || (event.data as { type?: unknown } | null)?.type !== 'port' || port === undefined) {
        return;
      }
      window.removeEventListener('message', take);
      this.port = port;
      port.onmessage = ({ data }) => this.hear(data);
      if (this.player !== null) {
        this.player.desk.onMoment = t => this.send({ type: 'moment', t });
      }
      this.tell();
    };
    window.addEventListener('message', take);
    window.parent.postMessage(READY, '*');
  }

  /** Puts a player at the host's command. */
  drive(player: Player): void {
    this.player = player;
    player.desk.onMoment = this.port === null ? null : t => this.send({ type: 'moment', t });
    player.transport.subscribe(() => this.tellSoon());
    this.tell();
  }

  fail(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.root.replaceChildren(h('p', { class: 'failed', role: 'alert' }, `This replay can't be shown. ${reason}`));
  }

  private hear(value: unknown): void {
    const message = readToFrame(value);
    if (message !== null) {
      try {
        this.obey(message);
      } catch (error) {
        this.fail(error);
      }
    }
  }

  private obey(message: ToFrame): void {
    switch (message.type) {
      case 'open':
        return this.open(new GrowingRecording(message.manifest, message.live), message.options, message.large ?? []);
      case 'append':
        return this.player?.recording.append(message.file, message.text, message.from);
      case 'blob':
        return this.player?.recording.addBlob(message.sha256, message.text);
      case 'manifest':
        return this.player?.recording.setManifest(message.manifest);
      case 'grown':
        return this.player?.recording.grown(message.file, message.size);
      case 'bytes':
        return this.ranges.take(message);
      case 'end':
        return this.player?.recording.end();
      case 'notice':
        return this.notice(message.text);
      case 'failed':
        return this.fail(message.message);
      case 'control':
        return this.control(message);
    }
  }

  private open(recording: GrowingRecording, options: FrameOptions, large: readonly LargeFile[]): void {
    for (const { name, size, index } of large) {
      recording.addLarge(name, new CastFile(this.ranges.of(name), size), index);
    }
    recording.onPrepared = (file, data) => this.send({ type: 'keep', file, data }, [data]);
    const player = new Player(this.root, recording, options);
    recording.onTrouble = message => player.tell(message);
    this.drive(player);
  }

  private notice(text: string): void {
    if (this.player !== null) {
      this.player.tell(text);
    } else if (text !== '') {
      this.root.replaceChildren(h('p', { class: 'waiting', role: 'status' }, text));
    }
  }

  private control({ n, action, value }: Control): void {
    // What came before a command counts for it: a seek may go to what has just been appended.
    this.player?.settle();
    this.obeyed = n;
    if (this.player !== null) {
      steer(this.player.transport, action, value);
    }
    this.tell();
  }

  /** At once after a pause, a seek or a change of speed; while playing, a few times a second. */
  private tellSoon(): void {
    const playing = this.player?.transport.playing ?? false;
    if (!playing || this.told?.playing !== playing || this.told.speed !== this.player?.transport.speed) {
      this.tell();
    } else {
      this.timer ??= window.setTimeout(() => this.tell(), STATE_EVERY_MS);
    }
  }

  private tell(): void {
    window.clearTimeout(this.timer);
    this.timer = undefined;
    if (this.player === null || this.port === null) {
      return;
    }
    const { currentTime, duration, playing, speed, following } = this.player.transport;
    this.told = { type: 'state', currentTime, duration, playing, speed, following, obeyed: this.obeyed };
    this.send(this.told);
  }

  private send(message: FromFrame, transfer: Transferable[] = []): void {
    this.port?.postMessage(message, transfer);
  }
}

function steer(transport: Transport, action: Action, value: number | undefined): void {
  switch (action) {
    case 'play':
      return transport.play();
    case 'pause':
      return transport.pause();
    case 'seek':
      return transport.seek(value ?? 0);
    case 'speed':
      transport.speed = value ?? 1;
      return;
    case 'follow':
      return value === 0 ? transport.pause() : transport.follow();
    case 'look':
      return;
  }
}
