/**
 * One view of the `Replay` widget: takes the recording and commands from the kernel, and tells it how playback stands.
 * `jupyter_recorder/replay/widget.py` says what the messages are.
 */

import { FrameHost } from './frame-host';
import { gunzip } from './payload';
import type { Action, LargeFile, Manifest, PlayerState } from './port';
import { sharedCode } from './shared-code';
import type { SharedCode } from './shared-code';
import type { FrameOptions } from './srcdoc';
import { pageTheme } from './theme';

/** What anywidget gives of a widget's model. */
export interface WidgetModel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  send(content: object): void;
  on(name: string, callback: (...args: never[]) => void): void;
  off(name: string, callback: (...args: never[]) => void): void;
}

/** The kernel is the reader's own: what it sends is trusted, what it sends on of a recording is shown in the frame. */
type FromKernel =
  | { readonly type: 'code' }
  | { readonly type: 'open'; readonly manifest: Manifest; readonly options: FrameOptions; readonly live: boolean; readonly large: LargeFile[] }
  | { readonly type: 'lines'; readonly n: number; readonly file: string; readonly from: number }
  | { readonly type: 'blob'; readonly n: number; readonly sha256: string }
  | { readonly type: 'grown'; readonly file: string; readonly size: number }
  | { readonly type: 'ready'; readonly asked: number; readonly steps: readonly Step[] }
  | { readonly type: 'manifest'; readonly manifest: Manifest }
  | { readonly type: 'end' }
  | { readonly type: 'notice'; readonly text: string }
  | { readonly type: 'failed'; readonly message: string }
  | ({ readonly type: 'control'; readonly asked: number } & Step)
  | { readonly type: 'bytes'; readonly id: number; readonly error?: string };

interface Step {
  readonly action: Action;
  readonly value?: number;
}

type Message = FromKernel & { readonly view?: string };

const PATIENCE_MS = 3000;
const BUSY = 'Waiting for the kernel: it is busy, or gone. The replay comes when it is free.';
const GONE = 'The kernel of this replay is gone. What had come by then is still shown here; run its cell again for more.';

export class KernelFeed {
  private readonly code: SharedCode;
  private readonly host: FrameHost;
  /** Names this view, and its present run: what is under way to an earlier one is not for it. */
  private view = '';
  private ready = false;
  /** The number of the kernel's last command. */
  private asked = 0;
  private connected = true;
  private timer: number | undefined;
  /** One after the other: to inflate takes time. */
  private queue: Promise<void> = Promise.resolve();
  private readonly reads = new Map<number, { resolve(data: ArrayBuffer): void; reject(error: Error): void }>();
  private readsBegun = 0;
  private readonly themes = new MutationObserver(() => this.host.setTheme(pageTheme()));
  private readonly onMessage = (message: Message, buffers: DataView[]): void => this.take(message, buffers);
  private readonly onConnection = (): void => this.lost();

  constructor(private readonly model: WidgetModel) {
    this.code = sharedCode(String(model.get('_player')), () => model.send({ type: 'code' }));
    this.host = new FrameHost(
      { title: String(model.get('_title')), theme: pageTheme(), code: () => this.code.text },
      {
        ready: () => this.begin(),
        state: state => this.tell(state),
        read: (file, start, end) => this.read(file, start, end)
      }
    );
    model.on('msg:custom', this.onMessage);
    model.on('comm_live_update', this.onConnection);
    this.themes.observe(document.body, { attributes: true });
  }

  get element(): HTMLElement {
    return this.host.element;
  }

  dispose(): void {
    window.clearTimeout(this.timer);
    this.model.off('msg:custom', this.onMessage);
    this.model.off('comm_live_update', this.onConnection);
    this.themes.disconnect();
    if (this.view !== '') {
      this.model.send({ type: 'end', view: this.view });
    }
    this.host.dispose();
  }

  /** The frame has started, or started again: it has nothing yet. */
  private begin(): void {
    this.ready = false;
    const before = this.view;
    this.view = crypto.getRandomValues(new Uint32Array(2)).join('-');
    this.model.send({ type: 'begin', view: this.view, before });
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.host.notice(BUSY), PATIENCE_MS);
  }

  private take(message: Message, buffers: DataView[]): void {
    this.back();
    if (message.type === 'code') {
      this.code.take(buffers[0]!);
    } else if (message.view === undefined || message.view === this.view) {
      this.queue = this.queue.then(() => this.obey(message, buffers)).catch(error => this.host.failed(String(error)));
    }
  }

  private async obey(message: Message, buffers: DataView[]): Promise<void> {
    if (message.view !== undefined && message.view !== this.view) {
      return;
    }
    switch (message.type) {
      case 'open':
        window.clearTimeout(this.timer);
        return this.host.open(message.manifest, message.options, message.live, message.large);
      case 'lines':
        this.host.append(message.file, await gunzip(buffers[0]!), message.from);
        return this.acknowledge(message.n);
      case 'blob':
        this.host.blob(message.sha256, await gunzip(buffers[0]!));
        return this.acknowledge(message.n);
      case 'grown':
        return this.host.grown(message.file, message.size);
      case 'ready':
        return this.start(message.asked, message.steps);
      case 'control':
        return this.ready ? this.start(message.asked, [message]) : undefined;
      case 'manifest':
        return this.host.manifest(message.manifest);
      case 'end':
        return this.host.end();
      case 'notice':
        return this.host.notice(message.text);
      case 'failed':
        window.clearTimeout(this.timer);
        return this.host.failed(message.message);
      case 'bytes':
        return this.answer(message.id, buffers[0], message.error);
    }
  }

  private start(asked: number, steps: readonly Step[]): void {
    this.asked = asked;
    steps.forEach(({ action, value }) => this.host.control(action, value));
    if (!this.ready) {
      this.ready = true;
      // Asks the frame how it stands, now that all of it is there.
      this.host.control('look');
    }
  }

  private acknowledge(n: number): void {
    this.model.send({ type: 'ack', view: this.view, n });
  }

  /** What the frame says while it is being filled is no news. */
  private tell({ currentTime, duration, playing, speed, following }: PlayerState): void {
    if (this.ready && this.connected) {
      this.model.set('_told', { current_time: currentTime, duration, playing, speed, following, asked: this.asked });
      this.model.save_changes();
    }
  }

  private read(file: string, start: number, end: number): Promise<ArrayBuffer> {
    this.readsBegun += 1;
    const id = this.readsBegun;
    return new Promise((resolve, reject) => {
      this.reads.set(id, { resolve, reject });
      this.model.send({ type: 'read', view: this.view, id, file, start, end });
    });
  }

  private answer(id: number, data: DataView | undefined, error: string | undefined): void {
    const waiting = this.reads.get(id);
    this.reads.delete(id);
    if (data !== undefined && error === undefined) {
      // A copy: it is handed on to the frame, and the message's own memory may hold more.
      waiting?.resolve(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer);
    } else {
      waiting?.reject(new Error(error ?? 'the kernel sent nothing'));
    }
  }

  /** A model only says that this may have changed: whatever comes later tells that it is back. */
  private lost(): void {
    this.connected = false;
    window.clearTimeout(this.timer);
    this.host.notice(GONE);
    this.reads.forEach(({ reject }) => reject(new Error('the kernel is gone')));
    this.reads.clear();
  }

  private back(): void {
    if (!this.connected) {
      this.connected = true;
      this.host.notice('');
    }
  }
}
