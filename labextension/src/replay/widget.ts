/**
 * Shows a replay in JupyterLab: a sandboxed frame, in an output or filling a document.
 */

import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';

import type { Source } from './source';
import { srcdoc } from './srcdoc';
import type { Theme } from './srcdoc';

type ModelData = IRenderMime.IMimeModel['data'];

export class ReplayWidget extends Widget implements IRenderMime.IRenderer {
  private source: Source | null = null;
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
    super.dispose();
  }

  /** A frame only loads once it is in the page, and loads again when it has moved. */
  protected override onAfterAttach(): void {
    this.mount();
    this.themes.observe(document.body, { attributeFilter: ['data-jp-theme-light'] });
  }

  protected override onBeforeDetach(): void {
    this.themes.disconnect();
    this.node.replaceChildren();
  }

  private mount(): void {
    if (this.source === null) {
      return;
    }
    if (typeof this.source === 'string') {
      this.node.textContent = this.source;
      return;
    }
    const { data, options, title, height } = this.source;
    const frame = document.createElement('iframe');
    frame.setAttribute('sandbox', 'allow-scripts');
    frame.title = title;
    frame.srcdoc = srcdoc(data, options, title, theme());
    frame.style.cssText = 'display: block; width: 100%; height: 100%; border: 0;';
    const inDocument = this.node.closest('.jp-MimeDocument') !== null;
    this.node.style.cssText = inDocument ? 'height: 100%;' : `height: ${height}px; resize: vertical; overflow: hidden;`;
    this.node.replaceChildren(frame);
  }

  private sendTheme(): void {
    this.node.querySelector('iframe')?.contentWindow?.postMessage({ theme: theme() }, '*');
  }
}

function theme(): Theme {
  const light = document.body.dataset.jpThemeLight;
  return light === undefined ? 'auto' : light === 'true' ? 'light' : 'dark';
}
