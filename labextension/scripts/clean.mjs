/** Removes all that a build writes. */

import { rmSync } from 'node:fs';

const built = [
  'lib',
  'tsconfig.tsbuildinfo',
  'src/generated',
  '../jupyter_recorder/_labextension',
  '../jupyter_recorder/replay/static'
];
for (const path of built) {
  rmSync(new URL(`../${path}`, import.meta.url), { recursive: true, force: true });
}
