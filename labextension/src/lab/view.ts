/**
 * The player as a document of JupyterLab's: of a recording that the server has, or of what a file holds.
 */

import { ReplayWidget } from '../replay/widget';
import type { Source } from '../replay/source';
import type { FrameOptions } from '../replay/srcdoc';

export class RecordingView extends ReplayWidget {
  constructor(source: Source) {
    super(() => source);
    this.addClass('jr-document');
    void this.renderModel({ data: {}, metadata: {}, trusted: false, setData: () => undefined });
  }

  /** @param t seconds */
  seek(t: number): void {
    this.host?.control('seek', t);
  }

  /** One line for the reader above the replay; empty takes it away. */
  tell(text: string): void {
    this.host?.notice(text);
  }
}

/** A player of a recording by its id; it follows what is still recorded. */
export function linked(id: string, name: string, options: FrameOptions): RecordingView {
  return new RecordingView({ link: id, options, title: `Replay of ${name}`, height: 500 });
}
