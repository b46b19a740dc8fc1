/**
 * Lets a recording be dragged from its row into a notebook, where it becomes a cell that replays it.
 */

import { MimeData } from '@lumino/coreutils';
import { Drag } from '@lumino/dragdrop';

import { h } from '../replay/views/dom';
import { CELLS, replayCell } from './cell';

// A hand is not still when it clicks.
const THRESHOLD_PX = 5;

/** @param name what is shown under the pointer */
export function dragFrom(element: HTMLElement, id: string, name: string): void {
  element.addEventListener('pointerdown', ({ button, clientX: x, clientY: y }) => {
    if (button !== 0) {
      return;
    }
    const stop = new AbortController();
    const end = (): void => stop.abort();
    const move = ({ clientX, clientY }: PointerEvent): void => {
      if (Math.hypot(clientX - x, clientY - y) >= THRESHOLD_PX) {
        end();
        void drag(id, name, clientX, clientY);
      }
    };
    for (const event of ['pointerup', 'pointercancel'] as const) {
      document.addEventListener(event, end, { signal: stop.signal });
    }
    document.addEventListener('pointermove', move, { signal: stop.signal });
  });
}

async function drag(id: string, name: string, x: number, y: number): Promise<void> {
  const mimeData = new MimeData();
  mimeData.setData(CELLS, [replayCell(id)]);
  const drag = new Drag({
    mimeData,
    dragImage: h('div', { class: 'jr-dragged' }, name),
    proposedAction: 'copy',
    supportedActions: 'copy',
    source: null
  });
  await drag.start(x, y);
  drag.dispose();
}
