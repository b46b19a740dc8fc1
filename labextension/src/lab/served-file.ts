/**
 * A file of the file browser, by the address from which it is downloaded: whole if it is small, else by ranges.
 */

import type { Contents, ServerConnection } from '@jupyterlab/services';

import { reach } from '../api';
import { LARGE_BYTES } from '../replay/link';

/** Where a line may begin before the end that was seen. */
const TAIL_BYTES = 64 * 1024;

/** What there is of a file: its text, or how long it is where that is too much for a page to hold. */
export type Found = { readonly text: string } | { readonly size: number; readonly etag: string };

export class ServedFile {
  private constructor(
    private readonly url: string,
    private readonly settings: ServerConnection.ISettings
  ) {}

  static async at(path: string, contents: Contents.IManager): Promise<ServedFile> {
    return new ServedFile(await contents.getDownloadUrl(path), contents.serverSettings);
  }

  /** Names it: its address without what a browser adds to it, such as a token. */
  get address(): string {
    return this.url.replace(/\?.*/s, '');
  }

  /** Rejects with what went wrong. */
  async find(): Promise<Found> {
    const response = await this.range(0, LARGE_BYTES);
    if (response.status === 416) {
      return { text: '' };
    }
    const total = Number(/\/(\d+)$/.exec(response.headers.get('Content-Range') ?? '')?.[1] ?? 0);
    if (response.status === 206 && total > LARGE_BYTES) {
      await response.body?.cancel();
      const changed = response.headers.get('Last-Modified');
      // Jupyter's own handler of files gives no ETag.
      return { size: await this.wholeLines(total), etag: changed === null ? '' : `${changed} ${total}` };
    }
    if (!response.ok) {
      throw new Error(`The server answered ${response.status}.`);
    }
    return { text: await response.text() };
  }

  /** Bytes `start` to `end` (exclusive), less at the file's end. */
  async read(start: number, end: number): Promise<ArrayBuffer> {
    const response = await this.range(start, end);
    if (response.status !== 206) {
      throw new Error(`The server answered ${response.status} for a part of the file.`);
    }
    return response.arrayBuffer();
  }

  /** How long the file is up to its last whole line: it may be still written. */
  private async wholeLines(total: number): Promise<number> {
    const start = Math.max(0, total - TAIL_BYTES);
    const newline = new Uint8Array(await this.read(start, total)).lastIndexOf(0x0a);
    return newline < 0 ? total : start + newline + 1;
  }

  private range(start: number, end: number): Promise<Response> {
    return reach(this.settings, this.url, { headers: { Range: `bytes=${start}-${end - 1}` } });
  }
}
