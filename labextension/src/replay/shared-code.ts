/**
 * The player's script as the kernel sends it: once a page, for all widgets on it, also those of other notebooks.
 */

import { gunzip } from './payload';

export interface SharedCode {
  /** Resolves to the script. */
  readonly text: Promise<string>;
  /** Takes it gzipped, as it was asked for. */
  take(packed: DataView): void;
}

const SHARED = Symbol.for('jupyter-recorder.player');

/** @param version differs where scripts differ */
export function sharedCode(version: string, ask: () => void): SharedCode {
  // Each widget has this module anew: what is shared must stand in the page.
  const page = globalThis as { [SHARED]?: Map<string, string> };
  const known = (page[SHARED] ??= new Map());
  const there = known.get(version);
  if (there !== undefined) {
    return { text: Promise.resolve(there), take: () => undefined };
  }
  let take: (packed: DataView) => void = () => undefined;
  const packed = new Promise<DataView>(resolve => (take = resolve));
  const text = packed.then(gunzip).then(code => {
    known.set(version, code);
    return code;
  });
  ask();
  return { text, take };
}
