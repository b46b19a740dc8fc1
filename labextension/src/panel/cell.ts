/**
 * A recording as a notebook's cell, for JupyterLab's clipboard and for what is dragged.
 */

/** The type of a list of cells, on the clipboard and in a drag. */
export const CELLS = 'application/vnd.jupyter.cells';

/** @param bundle the replay, embedded; without it the cell has to be run */
export function replayCell(id: string, bundle?: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return {
    cell_type: 'code',
    source: `%record replay ${id}`,
    metadata: {},
    execution_count: null,
    outputs: bundle === undefined ? [] : [{ output_type: 'display_data', data: bundle, metadata: {} }]
  };
}
