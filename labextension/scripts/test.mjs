/** Bundles the tests beside the code and runs them with Node's own runner. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { build } from 'esbuild';

const tests = readdirSync('src', { recursive: true })
  .filter(file => file.endsWith('.test.ts'))
  .map(file => join('src', file));
const folder = mkdtempSync(join(tmpdir(), 'player-tests-'));
try {
  await build({ entryPoints: tests, bundle: true, platform: 'node', format: 'esm', outdir: folder, outExtension: { '.js': '.mjs' } });
  const built = readdirSync(folder, { recursive: true }).filter(file => file.endsWith('.mjs'));
  const { status } = spawnSync(process.execPath, ['--test', ...built.map(file => join(folder, file))], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
