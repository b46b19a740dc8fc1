/**
 * Shows a replay in JupyterLab: a sandboxed frame, in an output or filling a document.
 */

import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';

import { playerCode } from './code';
import { FrameHost } from './frame-host';
import { LinkedRecording } from './link';
import type { Feed, Replay, Source } from './source';
import { whenNear } from './near';
import { pageTheme } from './theme';

type ModelData = IRenderMime.IMimeModel['data'];

export class ReplayWidget extends Widget implements IRenderMime.IRenderer {
  private source: Source | null = null;
  protected host: FrameHost | null = null;
  private feed: Feed | null = null;
  private stopWaiting: (() => void) | null = null;
  private readonly themes = new MutationObserver(() => this.sendTheme());

  constructor(private readonly read: (data: ModelData) => Source) {
    super();
    this.addClass('jupyter-recorder-replay');
    // Or JupyterLab takes the player's keys as its own.
    this.node.dataset.lmSuppressShortcuts = 'true';
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.source = this.read(model.data);
    if (this.isAttached) {
      this.mount();
    }
  }

  override dispose(): void {
    this.themes.disconnect();
    this.unmount();
    super.dispose();
  }

  /** A frame only loads once it is in the page, and loads again when it has moved. */
  protected override onAfterAttach(): void {
    this.mount();
    this.themes.observe(document.body, { attributeFilter: ['data-jp-theme-light'] });
  }

  protected override onBeforeDetach(): void {
    this.themes.disconnect();
    this.unmount();
  }

  private mount(): void {
    this.unmount();
    if (this.source === null) {
      return;
    }
    if (typeof this.source === 'string') {
      this.node.textContent = this.source;
      return;
    }
    const { height, link, feed, ...content } = this.source;
    const feeds = feed ?? (link === undefined ? undefined : () => new LinkedRecording(link, content.options));
    const inDocument = this.node.closest('.jp-MimeDocument, .jr-document') !== null;
    this.node.style.cssText = inDocument ? 'height: 100%;' : `height: ${height}px; resize: vertical; overflow: hidden;`;
    if (this.node.closest('.jp-OutputArea') === null) {
      this.begin(content, feeds?.() ?? null);
    } else {
      // One of many, maybe.
      this.stopWaiting = whenNear(this.node, () => this.begin(content, feeds?.() ?? null));
    }
  }

  private begin(content: Omit<Replay, 'height' | 'link' | 'feed'>, feed: Feed | null): void {
    const host = new FrameHost(
      { ...content, theme: pageTheme(), code: playerCode },
      feed === null
        ? {}
        : {
            ready: () => feed.start(host),
            read: (file, start, end) => feed.read(file, start, end),
            keep: (file, data) => feed.keep(file, data)
          }
    );
    this.host = host;
    this.feed = feed;
    this.node.replaceChildren(this.host.element);
  }

  private unmount(): void {
    this.stopWaiting?.();
    this.stopWaiting = null;
    this.feed?.stop();
    this.feed = null;
    this.host?.dispose();
    this.host = null;
    this.node.replaceChildren();
  }

  private sendTheme(): void {
    this.host?.setTheme(pageTheme());
  }
}
