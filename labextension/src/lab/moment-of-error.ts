/**
 * Finds in a journal when a cell failed.
 */

export interface CellError {
  readonly cellId: string;
  readonly name: string;
  readonly value: string;
}

/** Returns in Unix ms when the cell last failed just so, or else at all; null if the journal has no error of that cell. */
export function momentOfError(journal: string, { cellId, name, value }: CellError): number | null {
  let [same, any]: [number | null, number | null] = [null, null];
  for (const line of journal.split('\n')) {
    // Most lines are something else: they are not even parsed.
    if (!line.includes('"error"')) {
      continue;
    }
    const { type, at, cell_id: cell, output } = parse(line);
    const error = type === 'output' && cell === cellId && isObject(output) && output.output_type === 'error' ? output : null;
    if (error !== null && typeof at === 'number') {
      any = at;
      same = error.ename === name && error.evalue === value ? at : same;
    }
  }
  return same ?? any;
}

function parse(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
