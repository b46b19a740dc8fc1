/**
 * What a journal in a file says of itself, and names beside it.
 */

const CAST = /^[A-Za-z0-9][A-Za-z0-9_-]*\.cast$/;

/** Whether a text begins like a journal. */
export function isJournal(text: string): boolean {
  try {
    const header = JSON.parse(text.slice(0, Math.max(0, text.indexOf('\n')))) as { type?: unknown; format?: unknown } | null;
    return header?.type === 'header' && header.format === 'jupyter-recorder';
  } catch {
    return false;
  }
}

/** The files that a journal names: terminals, and payloads by their sha256. Nothing else of the folder can be named. */
export function namesIn(journal: string): { casts: string[]; blobs: string[] } {
  const casts = [...journal.matchAll(/"file":\s*"([^"\\]*)"/g)].map(([, name = '']) => name).filter(name => CAST.test(name));
  const blobs = [...journal.matchAll(/"blob":\s*"([0-9a-f]{64})"/g)].map(([, name = '']) => name);
  return { casts: [...new Set(casts)], blobs: [...new Set(blobs)] };
}
