/**
 * Searches a terminal that is too large to be held, from its beginning, a stretch at a time.
 */

import type { LargeTerminal } from './large-terminal';
import { PlainTerminal } from './plain-terminal';
import { Passage } from './search';
import type { Hit } from './search';

const BLOCKS_A_READ = 4;
// What may run over the edge of two stretches.
const OVERLAP = 512;

export interface Found {
  /** In order of time. */
  readonly hits: readonly Hit[];
  /** Of the terminal that was searched so far. */
  readonly share: number;
}

export async function* searchLarge(terminal: LargeTerminal, pattern: RegExp): AsyncGenerator<Found> {
  const { cast, begins, track } = terminal;
  const plain = new PlainTerminal();
  let now = 0;
  let overlap = '';
  for (let block = 0; block < cast.blocks; block += BLOCKS_A_READ) {
    // Whoever prepares it waits meanwhile.
    terminal.sought = performance.now();
    const texts = await cast.texts(block, Math.min(BLOCKS_A_READ, cast.blocks - block));
    const passage = new Passage('terminal', `terminal:${track}`).add(overlap, now + begins);
    for (const [at, text] of texts.entries()) {
      for (const { t, code, data } of cast.parse(block + at, text, now).events) {
        now = t;
        if (code === 'o') {
          passage.add(plain.add(data), t + begins);
        }
      }
    }
    const hits: Hit[] = [];
    passage.find(pattern, hits, overlap.length);
    overlap = passage.all.slice(-OVERLAP);
    yield { hits, share: Math.min(1, (block + BLOCKS_A_READ) / cast.blocks) };
  }
}
