/**
 * Folds journal events to the notebook as it stood: cells in the order in which they first ran.
 * `jupyter_recorder/timeline.py` folds the same way, held by shared fixtures.
 */

import type { Fold } from './cursor';
import type { Json } from './journal';
import type { TimedEvent } from './recording';
import { text as textOf } from './text';

export interface Output {
  readonly output_type: string;
  readonly [field: string]: unknown;
}

export type CellStatus = 'running' | 'ok' | 'error';

export interface Cell {
  readonly kind: 'cell';
  readonly id: string;
  readonly key: string;
  /** The index of the last event that changed it: two states of one version are equal. */
  version: number;
  count: number | null;
  source: string | null;
  status: CellStatus;
  durationMs: number | null;
  outputs: Output[];
  clearOnNext: boolean;
}

/** A line between cells: something that happened to the recording, not to a cell. */
export interface Divider {
  readonly kind: 'marker' | 'note' | 'gap' | 'resume';
  readonly key: string;
  readonly version: number;
  readonly text: string;
}

export interface CellsState {
  readonly items: (Cell | Divider)[];
  readonly byId: Map<string, Cell>;
  readonly hidden: Set<string>;
}

export const cellsFold: Fold<TimedEvent, CellsState> = {
  initial: () => ({ items: [], byId: new Map(), hidden: new Set() }),
  step: stepCells,
  copy: copyCells
};

function copyCells({ items, hidden }: CellsState): CellsState {
  const byId = new Map<string, Cell>();
  const copies = items.map(item => {
    if (item.kind !== 'cell') {
      return item;
    }
    const cell = { ...item, outputs: item.outputs.slice() };
    byId.set(cell.id, cell);
    return cell;
  });
  return { items: copies, byId, hidden: new Set(hidden) };
}

function stepCells(state: CellsState, { event, text }: TimedEvent, index: number): void {
  const id = textOf(event.cell_id);
  switch (event.type) {
    case 'cell_start':
      return startCell(state, id, event as unknown as CellStart, index);
    case 'output':
      return addOutput(state, id, event.output, index);
    case 'clear_output':
      return clearOutput(state, id, event.wait === true, index);
    case 'update_display':
      return updateDisplay(state, textOf(event.display_id), event.output, index);
    case 'cell_end':
      return endCell(state, id, event, index);
    case 'marker':
    case 'note':
    case 'gap':
    case 'resume':
      state.items.push({ kind: event.type, key: `${event.type}-${index}`, version: index, text });
  }
}

interface CellStart {
  readonly execution_count?: number | null;
  readonly source?: unknown;
  readonly hidden?: boolean;
}

/** A cell that runs again is the same cell, as in the notebook: its outputs go, its place stays. */
function startCell(state: CellsState, id: string, event: CellStart, index: number): void {
  if (event.hidden === true) {
    state.hidden.add(id);
    return;
  }
  state.hidden.delete(id);
  const cell = cellOf(state, id, index);
  cell.count = typeof event.execution_count === 'number' ? event.execution_count : null;
  cell.source = multiline(event.source);
  cell.status = 'running';
  cell.durationMs = null;
  cell.outputs = [];
  cell.clearOnNext = false;
}

/** Outputs may come for a cell whose start was lost: what was shown is then shown without its source. */
function cellOf(state: CellsState, id: string, index: number): Cell {
  let cell = state.byId.get(id);
  if (cell === undefined) {
    cell = {
      kind: 'cell',
      id,
      key: `cell-${id}`,
      version: index,
      count: null,
      source: null,
      status: 'ok',
      durationMs: null,
      outputs: [],
      clearOnNext: false
    };
    state.byId.set(id, cell);
    state.items.push(cell);
  }
  cell.version = index;
  return cell;
}

function addOutput(state: CellsState, id: string, value: unknown, index: number): void {
  if (!isOutput(value) || state.hidden.has(id)) {
    return;
  }
  const cell = cellOf(state, id, index);
  if (cell.clearOnNext) {
    cell.outputs = [];
    cell.clearOnNext = false;
  }
  const last = cell.outputs.at(-1);
  if (value.output_type === 'stream' && last?.output_type === 'stream' && last.name === value.name) {
    cell.outputs[cell.outputs.length - 1] = { ...last, text: multiline(last.text) + multiline(value.text) };
  } else {
    cell.outputs.push(value);
  }
}

function clearOutput(state: CellsState, id: string, wait: boolean, index: number): void {
  const cell = state.byId.get(id);
  if (cell === undefined || state.hidden.has(id)) {
    return;
  }
  cell.version = index;
  cell.clearOnNext = wait;
  if (!wait) {
    cell.outputs = [];
  }
}

function updateDisplay(state: CellsState, displayId: string, value: unknown, index: number): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || displayId === '') {
    return;
  }
  const { data = {}, metadata = {} } = value as Record<string, unknown>;
  for (const cell of state.byId.values()) {
    cell.outputs.forEach((output, at) => {
      const transient = output.transient as { display_id?: unknown } | undefined;
      if (transient?.display_id === displayId) {
        cell.outputs[at] = { ...output, data, metadata };
        cell.version = index;
      }
    });
  }
}

function endCell(state: CellsState, id: string, event: Record<string, unknown>, index: number): void {
  const cell = state.byId.get(id);
  if (cell === undefined || state.hidden.has(id)) {
    return;
  }
  cell.version = index;
  cell.status = event.status === 'ok' ? 'ok' : 'error';
  cell.durationMs = typeof event.duration_ms === 'number' ? event.duration_ms : null;
}

function isOutput(value: unknown): value is Output {
  return typeof value === 'object' && value !== null && typeof (value as Output).output_type === 'string';
}

/** nbformat allows a list of lines wherever it says text. */
export function multiline(value: unknown): string {
  if (Array.isArray(value)) {
    return (value as Json[]).filter(part => typeof part === 'string').join('');
  }
  return typeof value === 'string' ? value : '';
}
