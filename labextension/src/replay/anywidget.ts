/**
 * The `Replay` widget's page half, loaded by anywidget: the player's frame, fed and steered by the kernel.
 */

import { KernelFeed } from './kernel-feed';
import type { WidgetModel } from './kernel-feed';
import { whenNear } from './near';

function render({ model, el }: { model: WidgetModel; el: HTMLElement }): () => void {
  el.classList.add('jupyter-recorder-replay');
  // Or JupyterLab takes the player's keys as its own.
  el.dataset.lmSuppressShortcuts = 'true';
  // The element's own size is the widget's layout.
  const box = document.createElement('div');
  box.style.cssText = `width: 100%; height: ${Number(model.get('height'))}px; resize: vertical; overflow: hidden;`;
  el.replaceChildren(box);
  let feed: KernelFeed | null = null;
  const stopWaiting = whenNear(box, () => {
    feed = new KernelFeed(model);
    box.replaceChildren(feed.element);
  });
  return () => {
    stopWaiting();
    feed?.dispose();
  };
}

export default { render };
