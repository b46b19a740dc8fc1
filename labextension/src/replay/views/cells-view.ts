/**
 * Shows the notebook's cells as they stood at a moment.
 */

import { cellsFold } from '../model/cells';
import type { Cell, CellsState, Divider, Output } from '../model/cells';
import { Cursor } from '../model/cursor';
import type { Recording, TimedEvent } from '../model/recording';
import { h } from './dom';
import { Follower } from './follow';
import { renderOutput } from './output-view';
import { reachable } from './scrollable';
import type { View } from './view';
import { WindowList } from './window-list';

// As in the style sheet.
const GAP_PX = 12;

export class CellsView implements View {
  readonly element = h('div', { class: 'cells scroller', tabindex: '0', role: 'log', 'aria-label': 'Notebook cells' });
  private readonly cursor: Cursor<TimedEvent, CellsState>;
  private readonly list = new WindowList<Cell | Divider>(this.element, GAP_PX, renderItem);
  private shown = -1;
  private readonly follower = new Follower(this.element, () => this.list.reach());

  constructor(recording: Recording) {
    this.cursor = new Cursor(recording.events, cellsFold);
  }

  show(t: number): void {
    const { items } = this.cursor.at(t);
    if (this.cursor.position !== this.shown) {
      this.shown = this.cursor.position;
      const goal = this.follower.follows && items.length > 0 ? newestOf(items) : null;
      this.list.update(items, goal);
      this.follower.reveal();
    }
  }

  status(t: number): string {
    const cells = this.cursor.at(t).items.filter((item): item is Cell => item.kind === 'cell');
    return cells.some(cell => cell.status === 'running') ? 'running' : '';
  }
}

/** The index of what has changed last. */
function newestOf(items: readonly (Cell | Divider)[]): number {
  return items.reduce((newest, item, at) => (item.version >= items[newest]!.version ? at : newest), 0);
}

function renderItem(item: Cell | Divider): HTMLElement {
  return item.kind === 'cell' ? renderCell(item) : renderDivider(item);
}

function renderDivider({ kind, text }: Divider): HTMLElement {
  return h('article', { class: `divider ${kind}` }, h('span', {}, text));
}

function renderCell(cell: Cell): HTMLElement {
  const element = h('article', { class: `cell ${cell.status}`, 'data-cell': cell.key });
  if (cell.source !== null) {
    element.append(
      h('div', { class: 'prompt' }, prompt(cell)),
      h('div', { class: 'input' }, h('pre', {}, cell.source), ...timing(cell))
    );
  }
  if (cell.outputs.length > 0) {
    element.append(h('div', { class: 'outputs' }, ...cell.outputs.map(nodeOf)));
  }
  return reachable(element);
}

/** An output that did not change keeps its element, or its pictures would flicker with each new line. */
const nodes = new WeakMap<Output, Node>();

function nodeOf(output: Output): Node {
  const node = nodes.get(output) ?? renderOutput(output);
  nodes.set(output, node);
  return node;
}

function prompt(cell: Cell): string {
  return cell.status === 'running' ? '[*]' : `[${cell.count ?? ' '}]`;
}

function timing({ durationMs }: Cell): HTMLElement[] {
  if (durationMs === null || durationMs < 100) {
    return [];
  }
  const seconds = durationMs / 1000;
  return [h('span', { class: 'timing' }, seconds < 60 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`)];
}
