/**
 * The host's side of a player's frame: makes it, hands it a port, speaks to it, and hears what it is allowed to say.
 */

import type { PlayerCode } from './code';
import { PORT, readFromFrame } from './port';
import type { Action, LargeFile, Manifest, PlayerState, ToFrame } from './port';
import { srcdoc } from './srcdoc';
import type { FrameOptions, Theme } from './srcdoc';

/** What a host makes of what the frame says. */
export interface FrameListener {
  /** The frame has started, or started again after it was moved: feed it now; what was sent before is gone. */
  ready?(): void;
  state?(state: PlayerState): void;
  /** The reader wants a link to this moment, in seconds of the recording. */
  moment?(t: number): void;
  /** Resolves to the bytes `start` to `end` of a file of the recording, less at its end; rejects with a plain sentence. */
  read?(file: string, start: number, end: number): Promise<ArrayBuffer>;
  /** Something to hand back as `LargeFile.index` the next time that these bytes are opened. */
  keep?(file: string, data: ArrayBuffer): void;
}

export interface FrameContent {
  readonly title: string;
  readonly theme: Theme;
  /** The script that it runs. */
  readonly code: PlayerCode;
  /** Base64 of the payload that the frame carries and plays by itself; without it, the frame waits to be fed. */
  readonly data?: string;
  readonly options?: FrameOptions;
}

export class FrameHost {
  /** To be put into the page: a frame only loads there. */
  readonly element = document.createElement('iframe');
  private port: MessagePort | null = null;
  private asked = 0;
  private readonly onMessage = (event: MessageEvent): void => this.greet(event);

  constructor(
    private readonly content: FrameContent,
    private readonly listener: FrameListener = {}
  ) {
    const { title, theme, data = '', options = {} } = content;
    this.element.setAttribute('sandbox', 'allow-scripts');
    this.element.title = title;
    this.element.srcdoc = srcdoc(data, options, title, theme);
    this.element.style.cssText = 'display: block; width: 100%; height: 100%; border: 0;';
    window.addEventListener('message', this.onMessage);
  }

  setTheme(theme: Theme): void {
    this.element.contentWindow?.postMessage({ theme }, '*');
  }

  open(manifest: Manifest, options: FrameOptions, live: boolean, large: readonly LargeFile[] = []): void {
    this.send({ type: 'open', manifest, options, live, large });
  }

  /** Gives whole lines of a file; `from` is the index of the first one (see `ToFrame`). */
  append(file: string, text: string, from?: number): void {
    this.send({ type: 'append', file, text, ...(from !== undefined && { from }) });
  }

  blob(sha256: string, text: string): void {
    this.send({ type: 'blob', sha256, text });
  }

  manifest(manifest: Manifest): void {
    this.send({ type: 'manifest', manifest });
  }

  /** There are so many bytes of a large file now. */
  grown(file: string, size: number): void {
    this.send({ type: 'grown', file, size });
  }

  end(): void {
    this.send({ type: 'end' });
  }

  notice(text: string): void {
    this.send({ type: 'notice', text });
  }

  failed(message: string): void {
    this.send({ type: 'failed', message });
  }

  /** `value`: seconds for `seek`, a factor for `speed`, 0 or 1 for `follow`. */
  control(action: Action, value?: number): void {
    this.asked += 1;
    this.send({ type: 'control', n: this.asked, action, ...(value !== undefined && { value }) });
  }

  dispose(): void {
    window.removeEventListener('message', this.onMessage);
    this.port?.close();
    this.port = null;
    this.element.remove();
  }

  private greet(event: MessageEvent): void {
    const own = event.source !== null && event.source === this.element.contentWindow;
    const type = own ? (event.data as { type?: unknown } | null)?.type : undefined;
    if (type === 'bare') {
      void this.giveCode();
    } else if (type === 'ready') {
      this.givePort();
    }
  }

  /** An opaque origin can't be named as the target, here and below. */
  private async giveCode(): Promise<void> {
    let message: object;
    try {
      message = { code: await this.content.code() };
    } catch (error) {
      message = { trouble: said(error) };
    }
    this.element.contentWindow?.postMessage(message, '*');
  }

  private givePort(): void {
    this.asked = 0;
    const { port1, port2 } = new MessageChannel();
    this.port?.close();
    this.port = port1;
    port1.onmessage = ({ data }) => this.hear(data);
    this.element.contentWindow?.postMessage(PORT, '*', [port2]);
    this.listener.ready?.();
  }

  private hear(value: unknown): void {
    const message = readFromFrame(value);
    switch (message?.type) {
      case 'state':
        // What was told before the last command came there is not so any more.
        return message.obeyed >= this.asked ? this.listener.state?.(message) : undefined;
      case 'moment':
        return this.listener.moment?.(message.t);
      case 'keep':
        return this.listener.keep?.(message.file, message.data);
      case 'read':
        return void this.answer(message.id, message.file, message.start, message.end);
    }
  }

  private async answer(id: number, file: string, start: number, end: number): Promise<void> {
    try {
      if (this.listener.read === undefined) {
        throw new Error('this page has no files of the recording');
      }
      const data = await this.listener.read(file, start, end);
      this.send({ type: 'bytes', id, data }, [data]);
    } catch (error) {
      this.send({ type: 'bytes', id, error: said(error) });
    }
  }

  private send(message: ToFrame, transfer: Transferable[] = []): void {
    this.port?.postMessage(message, transfer);
  }
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
