/**
 * Feeds a frame with a `.cast` that is too large to be held.
 */

import { keepIndex, keptIndex } from '../index-cache';
import type { FrameHost } from '../replay/frame-host';
import type { Feed } from '../replay/source';
import type { ServedFile } from './served-file';

const FILE = 'terminal.cast';
// The player shows a cast by ranges where a journal says when its terminal began.
const JOURNAL = `${JSON.stringify({ seq: 1, at: 0, type: 'terminal_start', track: 'terminal', file: FILE })}\n`;

export class CastFileFeed implements Feed {
  /** @param size bytes, up to the last whole line */
  constructor(
    private readonly file: ServedFile,
    private readonly size: number,
    /** Tells whether the file is what it was; empty: nothing does. */
    private readonly etag: string,
    private readonly title: string
  ) {}

  start(host: FrameHost): void {
    void this.feed(host);
  }

  stop(): void {
    // Nothing goes on by itself.
  }

  read(_: string, start: number, end: number): Promise<ArrayBuffer> {
    return this.file.read(start, end);
  }

  keep(_: string, data: ArrayBuffer): void {
    void keepIndex(this.file.address, this.etag, data);
  }

  private async feed(host: FrameHost): Promise<void> {
    const index = await keptIndex(this.file.address, this.etag);
    host.open({ title: this.title, kind: 'terminal' }, {}, false, [{ name: FILE, size: this.size, ...(index !== undefined && { index }) }]);
    host.append('session.ndjson', JOURNAL);
    host.end();
  }
}
