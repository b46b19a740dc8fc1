/**
 * Bundles the player into one script, for both who embed it: the Python package (replay/static) and the Lab extension
 * (src/generated/player.ts). The page half of the `Replay` widget is an ES module of its own, without the player.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const staticFolder = join(root, '../jupyter_recorder/replay/static');
const generatedFolder = join(root, 'src/generated');
const EMBEDDED = ['@xterm/xterm', 'dompurify', 'marked'];

const banner = `/*! jupyter-recorder player; with ${EMBEDDED.join(', ')}: see LICENSES.txt in jupyter_recorder/replay/static */`;

async function bundle(entry, format, banner) {
  const result = await build({
    entryPoints: [join(root, 'src/replay', entry)],
    bundle: true,
    minify: true,
    format,
    target: 'es2022',
    write: false,
    legalComments: 'none',
    banner: { js: banner },
    loader: { '.css': 'text' },
    plugins: [minifiedCss]
  });
  return result.outputFiles[0].contents;
}

const minifiedCss = {
  name: 'minified-css',
  setup(host) {
    host.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const { code } = await host.esbuild.transform(source, { loader: 'css', minify: true, legalComments: 'none' });
      return { contents: code, loader: 'text' };
    });
  }
};

/** The same bytes on every machine: no time, and the header's system byte says "unknown". */
function gzip(bytes) {
  const packed = gzipSync(bytes, { level: 9 });
  packed[9] = 255;
  return packed;
}

async function licenses() {
  const texts = [];
  for (const name of EMBEDDED) {
    const folder = join(root, 'node_modules', name);
    const { version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const text = await readFile(join(folder, 'LICENSE'), 'utf8').catch(() => readFile(join(folder, 'LICENSE.md'), 'utf8'));
    texts.push(`${name} ${version} (${license})\n\n${text.trim()}\n`);
  }
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}

const packed = gzip(await bundle('frame.ts', 'iife', banner));
const frame = await readFile(join(root, 'src/replay/frame.html'), 'utf8');
const module = [
  '// Written by scripts/build-player.mjs.',
  `export const PLAYER_GZ_BASE64 = "${packed.toString('base64')}";`,
  `export const FRAME_HTML = ${JSON.stringify(frame)};`,
  ''
].join('\n');

await mkdir(staticFolder, { recursive: true });
await mkdir(generatedFolder, { recursive: true });
await writeFile(join(staticFolder, 'LICENSES.txt'), await licenses());
await writeFile(join(staticFolder, 'frame.html'), frame);
await writeFile(join(staticFolder, 'player.js.gz'), packed);
await writeFile(join(generatedFolder, 'player.ts'), module);
// It takes the frame's page from that module.
await writeFile(join(staticFolder, 'widget.js'), await bundle('anywidget.ts', 'esm', ''));
console.log(`player: ${packed.length} bytes gzipped`);
