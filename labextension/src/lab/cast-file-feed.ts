/**
 * Feeds a frame with a `.cast` that is too large to be held.
 */

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
    private readonly title: string
  ) {}

  start(host: FrameHost): void {
    host.open({ title: this.title, kind: 'terminal' }, {}, false, [{ name: FILE, size: this.size }]);
    host.append('session.ndjson', JOURNAL);
    host.end();
  }

  stop(): void {
    // Nothing goes on by itself.
  }

  read(_: string, start: number, end: number): Promise<ArrayBuffer> {
    return this.file.read(start, end);
  }
}
