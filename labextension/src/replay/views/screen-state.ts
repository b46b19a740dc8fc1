/**
 * What a terminal's emulator holds at a moment, as bytes, and the way back: a keyframe.
 *
 * It is taken from xterm's own buffers, which its public interface does not give: the serialize addon, which goes cell by
 * cell through that, leaves out scroll regions, saved cursors, character sets and tabs, and takes fifty times as long. The
 * version of xterm is pinned, and a test holds that what was restored goes on like what was never cut.
 */

interface Attr {
  fg: number;
  bg: number;
  extended: Extended;
  clone(): Attr;
}

interface Extended {
  ext: number;
  clone(): Extended;
}

interface BufferLine {
  isWrapped: boolean;
  readonly length: number;
  _data: Uint32Array;
  _combined: Record<number, string>;
  _extendedAttrs: Record<number, Extended | undefined>;
  clone(): BufferLine;
  resize(cols: number, fill: unknown): boolean;
}

interface Buffer {
  readonly lines: { readonly length: number; maxLength: number; get(index: number): BufferLine | undefined; push(line: BufferLine): void };
  ybase: number;
  ydisp: number;
  x: number;
  y: number;
  scrollTop: number;
  scrollBottom: number;
  savedX: number;
  savedY: number;
  savedCurAttrData: Attr;
  savedCharset: unknown;
  tabs: Record<number, boolean | undefined>;
  getBlankLine(attr: Attr): BufferLine;
  getNullCell(): unknown;
}

interface Core {
  readonly buffers: { readonly active: Buffer; readonly normal: Buffer; readonly alt: Buffer; activateAltBuffer(): void };
  readonly coreService: { isCursorHidden: boolean; modes: object; decPrivateModes: object };
  readonly _charsetService: { charset: unknown; glevel: number; _charsets: unknown[] };
  readonly _bufferService: { readonly _onScroll: { fire(position: number): void } };
  readonly _inputHandler: { readonly _curAttrData: Attr; readonly _parser: { readonly currentState: number; precedingJoinState: number } };
}

/** xterm, in the page or without one. */
export interface Emulator {
  readonly cols: number;
  readonly rows: number;
  reset(): void;
  resize(cols: number, rows: number): void;
  refresh?(start: number, end: number): void;
}

interface BufferState {
  readonly x: number;
  readonly y: number;
  readonly top: number;
  readonly bottom: number;
  readonly saved: { readonly x: number; readonly y: number; readonly attr: AttrState; readonly charset: unknown };
  readonly tabs: readonly number[];
  readonly base: number;
  /** Lines, the first `blank` of which were not taken: what scrolled away counts, since saved cursors are counted from it. */
  readonly count: number;
  readonly blank: number;
  readonly most: number;
  /** Cells of the lines that were taken, where they are not as many as columns: a screen that shrank hides the rest. */
  readonly lengths: readonly (readonly [row: number, length: number])[];
  readonly wrapped: readonly number[];
  readonly combined: readonly (readonly [number, Record<number, string>])[];
  readonly extended: readonly (readonly [number, Record<number, number>])[];
}

type AttrState = readonly [fg: number, bg: number, ext: number];

interface Head {
  readonly cols: number;
  readonly rows: number;
  readonly attr: AttrState;
  readonly join: number;
  readonly hidden: boolean;
  readonly modes: object;
  readonly dec: object;
  readonly glevel: number;
  /** A restored cursor brings its own, whatever the set that was chosen. */
  readonly charset: unknown;
  readonly charsets: readonly unknown[];
  readonly normal: BufferState;
  readonly alt: BufferState;
  readonly isAlt: boolean;
}

/** Words of a cell in xterm's lines: content, foreground, background. */
const CELL_WORDS = 3;
const GROUND = 0;
const MAX_SIDE = 1000;
const MAX_LINES = 2 * MAX_SIDE;

export class DamagedState extends Error {}

/** Nothing is half read: what follows stands for itself. */
export function canBeTaken(emulator: Emulator): boolean {
  return coreOf(emulator)._inputHandler._parser.currentState === GROUND;
}

/** @param scrollback with the lines that scrolled away, which are blank otherwise */
export function takeState(emulator: Emulator, scrollback: boolean): ArrayBuffer {
  const core = coreOf(emulator);
  const { normal, alt, active } = core.buffers;
  const cells: Uint32Array[] = [];
  const { coreService, _charsetService: charsets, _inputHandler: input } = core;
  const head: Head = {
    cols: emulator.cols,
    rows: emulator.rows,
    attr: attrState(input._curAttrData),
    join: input._parser.precedingJoinState,
    hidden: coreService.isCursorHidden,
    modes: coreService.modes,
    dec: coreService.decPrivateModes,
    glevel: charsets.glevel,
    charset: charsets.charset,
    charsets: charsets._charsets,
    normal: bufferState(normal, emulator.cols, scrollback, cells),
    alt: bufferState(alt, emulator.cols, true, cells),
    isAlt: active === alt
  };
  return join(new TextEncoder().encode(JSON.stringify(head)), cells);
}

/** Brings an emulator whose parser rests to what `takeState` found; raises DamagedState for bytes that are no such thing. */
export function putState(emulator: Emulator, bytes: ArrayBuffer): void {
  const { head, cells } = split(bytes);
  emulator.reset();
  emulator.resize(head.cols, head.rows);
  const core = coreOf(emulator);
  const rest = putBuffer(core, core.buffers.normal, head.normal, head.cols, cells);
  if (head.isAlt) {
    core.buffers.activateAltBuffer();
  }
  putBuffer(core, core.buffers.alt, head.alt, head.cols, rest);
  putAttr(core._inputHandler._curAttrData, head.attr);
  core._inputHandler._parser.precedingJoinState = head.join;
  Object.assign(core.coreService.modes, head.modes);
  Object.assign(core.coreService.decPrivateModes, head.dec);
  core.coreService.isCursorHidden = head.hidden;
  core._charsetService._charsets = head.charsets.map(charset => charset ?? undefined);
  core._charsetService.glevel = head.glevel;
  core._charsetService.charset = head.charset ?? undefined;
  core._bufferService._onScroll.fire(core.buffers.active.ydisp);
  emulator.refresh?.(0, head.rows - 1);
}

function bufferState(buffer: Buffer, cols: number, scrollback: boolean, cells: Uint32Array[]): BufferState {
  const first = scrollback ? 0 : buffer.ybase;
  const lengths: [number, number][] = [];
  const wrapped: number[] = [];
  const combined: [number, Record<number, string>][] = [];
  const extended: [number, Record<number, number>][] = [];
  for (let row = first; row < buffer.lines.length; row += 1) {
    const line = buffer.lines.get(row)!;
    cells.push(line._data.slice(0, line.length * CELL_WORDS));
    if (line.length !== cols) {
      lengths.push([row, line.length]);
    }
    if (line.isWrapped) {
      wrapped.push(row);
    }
    if (!isEmpty(line._combined)) {
      combined.push([row, line._combined]);
    }
    if (!isEmpty(line._extendedAttrs)) {
      extended.push([row, Object.fromEntries(Object.entries(line._extendedAttrs).map(([at, one]) => [at, one?.ext ?? 0]))]);
    }
  }
  const { x, y, scrollTop: top, scrollBottom: bottom, tabs } = buffer;
  const saved = { x: buffer.savedX, y: buffer.savedY, attr: attrState(buffer.savedCurAttrData), charset: buffer.savedCharset };
  const stops = Object.keys(tabs).filter(stop => tabs[Number(stop)] === true).map(Number);
  const { length: count, maxLength: most } = buffer.lines;
  return { x, y, top, bottom, saved, tabs: stops, base: buffer.ybase, count, blank: first, most, lengths, wrapped, combined, extended };
}

/** Returns the cells that are left. */
function putBuffer(core: Core, buffer: Buffer, state: BufferState, cols: number, cells: Uint32Array): Uint32Array {
  const { extended } = core._inputHandler._curAttrData;
  const blank = buffer.getBlankLine(core._inputHandler._curAttrData);
  buffer.lines.maxLength = state.most;
  for (let more = state.count - buffer.lines.length; more > 0; more -= 1) {
    buffer.lines.push(blank.clone());
  }
  if (buffer.lines.length !== state.count) {
    throw new DamagedState(`A screen of ${buffer.lines.length} lines can't take ${state.count}.`);
  }
  const lengths = new Map(state.lengths);
  let at = 0;
  for (let row = state.blank; row < state.count; row += 1) {
    const line = buffer.lines.get(row)!;
    line.resize(lengths.get(row) ?? cols, buffer.getNullCell());
    line._data.set(cells.subarray(at, at + line.length * CELL_WORDS));
    at += line.length * CELL_WORDS;
  }
  state.wrapped.forEach(row => (buffer.lines.get(row)!.isWrapped = true));
  state.combined.forEach(([row, texts]) => (buffer.lines.get(row)!._combined = { ...texts }));
  for (const [row, attrs] of state.extended) {
    const made = Object.entries(attrs).map(([at, ext]) => [at, Object.assign(extended.clone(), { ext })]);
    buffer.lines.get(row)!._extendedAttrs = Object.fromEntries(made) as Record<number, Extended>;
  }
  buffer.savedCurAttrData = core._inputHandler._curAttrData.clone();
  putAttr(buffer.savedCurAttrData, state.saved.attr);
  const { x, y, top: scrollTop, bottom: scrollBottom, base, saved } = state;
  const tabs = Object.fromEntries(state.tabs.map(stop => [stop, true]));
  Object.assign(buffer, { x, y, scrollTop, scrollBottom, tabs, ybase: base, ydisp: base });
  Object.assign(buffer, { savedX: saved.x, savedY: saved.y, savedCharset: saved.charset ?? undefined });
  return cells.subarray(at);
}

function attrState({ fg, bg, extended }: Attr): AttrState {
  return [fg, bg, extended.ext];
}

function putAttr(attr: Attr, [fg, bg, ext]: AttrState): void {
  attr.fg = fg;
  attr.bg = bg;
  attr.extended = Object.assign(attr.extended.clone(), { ext });
}

/** Its length, the head, and cells at a place where words can be read. */
function join(head: Uint8Array, cells: readonly Uint32Array[]): ArrayBuffer {
  const start = Math.ceil((4 + head.length) / 4);
  const words = new Uint32Array(start + cells.reduce((sum, { length }) => sum + length, 0));
  words[0] = head.length;
  new Uint8Array(words.buffer).set(head, 4);
  let at = start;
  for (const line of cells) {
    words.set(line, at);
    at += line.length;
  }
  return words.buffer;
}

function split(bytes: ArrayBuffer): { head: Head; cells: Uint32Array } {
  try {
    const words = new Uint32Array(bytes);
    const length = words[0]!;
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length))) as Head;
    const cells = words.subarray(Math.ceil((4 + length) / 4));
    const buffers = [head.normal, head.alt];
    const given = buffers.reduce((sum, { count, blank, lengths }) => {
      const longer = lengths.reduce((more, [, length]) => more + length - head.cols, 0);
      return sum + (count - blank) * head.cols + longer;
    }, 0);
    const fits =
      [head.cols, head.rows].every(side => Number.isInteger(side) && side >= 1 && side <= MAX_SIDE) &&
      buffers.every(({ count, blank, most }) => 0 <= blank && blank <= count && count <= most && most <= MAX_LINES) &&
      buffers.every(({ lengths }) => lengths.every(([, length]) => length >= 1 && length <= MAX_SIDE));
    if (!fits || cells.length !== given * CELL_WORDS) {
      throw new DamagedState('This keyframe does not fit its own size.');
    }
    return { head, cells };
  } catch (error) {
    throw error instanceof DamagedState ? error : new DamagedState('This is no keyframe.');
  }
}

function isEmpty(value: object): boolean {
  for (const _ in value) {
    return false;
  }
  return true;
}

function coreOf(emulator: Emulator): Core {
  return (emulator as unknown as { _core: Core })._core;
}
