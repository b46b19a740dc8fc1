/**
 * Shows one nbformat output as a notebook would, from the richest form that is safe without a kernel.
 */

import { stripAnsi } from '../model/ansi';
import { multiline } from '../model/cells';
import type { Output } from '../model/cells';
import { ansiBlock } from './ansi-view';
import { h } from './dom';
import { renderMarkdown, sanitizeHtml } from './sanitize';

type Bundle = Record<string, unknown>;

const OWN_TYPE = 'application/vnd.jupyter-recorder.v1+json';
const INTERACTIVE = /^application\/(?:vnd\.(?:plotly|bokehjs|holoviews|jupyter\.widget|vega|vegalite|dash)|javascript)/;
const IMAGES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];

export function renderOutput(output: Output): Node {
  switch (output.output_type) {
    case 'stream':
      return ansiBlock(multiline(output.text), output.name === 'stderr' ? 'stream stderr' : 'stream');
    case 'error':
      return ansiBlock(traceback(output), 'stream traceback');
    default:
      return renderBundle(isBundle(output.data) ? output.data : {}, isBundle(output.metadata) ? output.metadata : {});
  }
}

function traceback(output: Output): string {
  const lines = Array.isArray(output.traceback) ? output.traceback.map(String).join('\n') : '';
  return lines || `${String(output.ename ?? 'Error')}: ${String(output.evalue ?? '')}`;
}

function renderBundle(data: Bundle, metadata: Bundle): Node {
  if (OWN_TYPE in data) {
    return h('p', { class: 'notice' }, 'A replay was shown here.');
  }
  if (Object.keys(data).some(mime => INTERACTIVE.test(mime))) {
    return stillOf(data, metadata);
  }
  const html = multiline(data['text/html']);
  if (html !== '') {
    const clean = sanitizeHtml(html);
    const empty = clean.textContent?.trim() === '' && clean.querySelector('img, hr, table') === null;
    return empty ? stillOf(data, metadata) : h('div', { class: 'rich' }, clean);
  }
  return renderStatic(data, metadata);
}

/** An interactive output's picture or text, saying so. */
function stillOf(data: Bundle, metadata: Bundle): Node {
  const still = image(data, metadata);
  const form = still === null ? 'text' : 'a picture';
  return h(
    'div',
    {},
    still ?? ansiBlock(multiline(data['text/plain']) || 'an interactive output', 'stream'),
    h('p', { class: 'notice' }, `An interactive output, shown as ${form}.`)
  );
}

function renderStatic(data: Bundle, metadata: Bundle): Node {
  const markdown = multiline(data['text/markdown']);
  if (markdown !== '') {
    return h('div', { class: 'rich' }, renderMarkdown(markdown));
  }
  const picture = image(data, metadata);
  if (picture !== null) {
    return picture;
  }
  if (data['application/json'] !== undefined) {
    return ansiBlock(JSON.stringify(data['application/json'], null, 2), 'stream');
  }
  const text = multiline(data['text/plain'] ?? data['text/latex']);
  return text === '' ? h('p', { class: 'notice' }, unknown(data)) : ansiBlock(text, 'stream');
}

function unknown(data: Bundle): string {
  const [type] = Object.keys(data);
  return type === undefined ? 'An empty output.' : `An output of type ${stripAnsi(type)} that can't be shown here.`;
}

function image(data: Bundle, metadata: Bundle): HTMLImageElement | null {
  const svg = multiline(data['image/svg+xml']);
  const type = svg !== '' ? 'image/svg+xml' : IMAGES.find(mime => multiline(data[mime]) !== '');
  if (type === undefined) {
    return null;
  }
  const base64 = svg !== '' ? utf8Base64(svg) : multiline(data[type]).replace(/[^A-Za-z0-9+/=]/g, '');
  const img = h('img', { src: `data:${type};base64,${base64}`, alt: multiline(data['text/plain']) || 'image' });
  const size = isBundle(metadata[type]) ? metadata[type] : {};
  if (typeof size.width === 'number' && size.width > 0) {
    img.width = Math.min(4096, size.width);
  }
  return img;
}

function utf8Base64(text: string): string {
  let binary = '';
  for (const byte of new TextEncoder().encode(text)) {
    binary += String.fromCharCode(byte);
  }
  return btoa(binary);
}

function isBundle(value: unknown): value is Bundle {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
