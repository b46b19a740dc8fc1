/**
 * Select Graphic Rendition: colours and attributes of text.
 *
 * ECMA-48 8.3.117, with the bright colours, 256 colours and 24-bit colours of xterm (its ctlseqs.ms, "Character Attributes").
 */

export interface Style {
  /** 0-15: a colour of the palette; a string: `#rrggbb`. */
  readonly fg?: number | string;
  readonly bg?: number | string;
  readonly bold?: boolean;
  readonly dim?: boolean;
  readonly italic?: boolean;
  readonly underline?: boolean;
  readonly strike?: boolean;
  readonly inverse?: boolean;
}

export const PLAIN: Style = {};

/** The style after a Select Graphic Rendition with these parameters. */
export function withSgr(style: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map(code => (code === '' ? 0 : Number(code)));
  let next = style;
  while (codes.length > 0) {
    next = withCode(next, codes);
  }
  return next;
}

const ATTRIBUTES: Record<number, Omit<Style, 'fg' | 'bg'>> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  9: { strike: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  29: { strike: false }
};

function withCode(style: Style, codes: number[]): Style {
  const code = codes.shift()!;
  if (code === 0) {
    return PLAIN;
  }
  if (code === 38 || code === 48) {
    const color = extendedColor(codes);
    return color === null ? style : { ...style, [code === 38 ? 'fg' : 'bg']: color };
  }
  if (code === 39 || code === 49) {
    const { [code === 39 ? 'fg' : 'bg']: _dropped, ...rest } = style;
    return rest;
  }
  const color = paletteColor(code);
  return { ...style, ...ATTRIBUTES[code], ...color };
}

function paletteColor(code: number): Style {
  const base = code % 10;
  if (base > 7) {
    return {};
  }
  switch (Math.floor(code / 10)) {
    case 3:
      return { fg: base };
    case 4:
      return { bg: base };
    case 9:
      return { fg: base + 8 };
    case 10:
      return { bg: base + 8 };
    default:
      return {};
  }
}

/** Takes the codes of `38;5;n` or `38;2;r;g;b` after the 38; null where they make no colour. */
function extendedColor(codes: number[]): number | string | null {
  const form = codes.shift();
  if (form === 5) {
    const index = codes.shift() ?? -1;
    return index < 0 || index > 255 ? null : index < 16 ? index : hex(indexedColor(index));
  }
  if (form === 2) {
    const rgb = codes.splice(0, 3);
    return rgb.length === 3 && rgb.every(part => part >= 0 && part <= 255) ? hex(rgb) : null;
  }
  return null;
}

/** xterm's 6x6x6 cube and its grey ramp. */
function indexedColor(index: number): number[] {
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return [grey, grey, grey];
  }
  const steps = [0, 95, 135, 175, 215, 255];
  const cube = index - 16;
  return [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(step => steps[step]!);
}

function hex(rgb: number[]): string {
  return `#${rgb.map(part => part.toString(16).padStart(2, '0')).join('')}`;
}
