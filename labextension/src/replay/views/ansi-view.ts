/**
 * Shows a cell's text with its colours.
 */

import { parseAnsi } from '../model/ansi';
import type { Style } from '../model/sgr';
import { h } from './dom';

// A page of text longer than this would cost more to lay out than anyone reads.
const MAX_CHARS = 200_000;

export function ansiBlock(text: string, className: string): HTMLElement {
  const block = h('pre', { class: className });
  if (text.length > MAX_CHARS) {
    block.append(h('span', { class: 'notice' }, `… ${text.length - MAX_CHARS} characters before this are not shown\n`));
  }
  for (const { text: part, style } of parseAnsi(text.slice(-MAX_CHARS))) {
    block.append(Object.keys(style).length ? styled(part, style) : part);
  }
  return block;
}

function styled(text: string, style: Style): HTMLElement {
  const span = h('span', {}, text);
  const [fg, bg] = style.inverse
    ? [style.bg ?? 'var(--bg)', style.fg ?? 'var(--text)']
    : [style.fg, style.bg];
  span.style.color = cssColor(fg, style.bold === true);
  span.style.backgroundColor = cssColor(bg, false);
  span.style.fontWeight = style.bold ? '600' : '';
  span.style.opacity = style.dim ? '0.7' : '';
  span.style.fontStyle = style.italic ? 'italic' : '';
  span.style.textDecoration = [style.underline && 'underline', style.strike && 'line-through'].filter(Boolean).join(' ');
  return span;
}

function cssColor(color: number | string | undefined, bold: boolean): string {
  if (typeof color === 'number') {
    return `var(--ansi-${bold && color < 8 ? color + 8 : color})`;
  }
  return color ?? '';
}
