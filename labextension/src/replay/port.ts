/**
 * What a host and the player's frame say to each other, and the checks on both sides.
 *
 * The frame has no origin and may not fetch. When it has started it posts `{type: "ready"}` to its parent; a host answers
 * with `{type: "port"}` and a transferred MessagePort, over which all else goes. A frame that no host answers plays what
 * it carries. What comes from a frame is hostile: a host reads it by `readFromFrame` and acts on nothing else.
 */

import type { FrameOptions } from './srcdoc';

export const READY = { type: 'ready' } as const;
export const PORT = { type: 'port' } as const;

export type Manifest = Readonly<Record<string, unknown>>;

/** `look` changes nothing: every control is answered by the state after it. */
export type Action = 'play' | 'pause' | 'seek' | 'speed' | 'follow' | 'look';
const ACTIONS: readonly unknown[] = ['play', 'pause', 'seek', 'speed', 'follow', 'look'] satisfies Action[];

/** A file that is too large to be sent whole: the frame reads ranges of it. */
export interface LargeFile {
  readonly name: string;
  /** Bytes; up to the last whole line. */
  readonly size: number;
  /** What the frame asked to keep of it earlier (`keep`), for the same bytes. */
  readonly index?: ArrayBuffer;
}

export type ToFrame =
  /** Begins with a recording that is fed by the messages that follow. */
  | {
      readonly type: 'open';
      readonly manifest: Manifest;
      readonly options: FrameOptions;
      /** It is still being recorded: the newest is followed. */
      readonly live: boolean;
      readonly large?: readonly LargeFile[];
    }
  /**
   * Whole lines of `session.ndjson` or of a `.cast`, in order. `from` is the index of the first one (a journal event's
   * `seq`; in a cast, 0 is the header): lines that came already are dropped, and what is missing is shown.
   */
  | { readonly type: 'append'; readonly file: string; readonly text: string; readonly from?: number }
  /** A payload that later lines name, as text. */
  | { readonly type: 'blob'; readonly sha256: string; readonly text: string }
  | { readonly type: 'manifest'; readonly manifest: Manifest }
  /** A large file has so many bytes now. */
  | { readonly type: 'grown'; readonly file: string; readonly size: number }
  /** Nothing more will come. */
  | { readonly type: 'end' }
  /** One line that the reader has to know, such as a lost connection; empty takes it away. */
  | { readonly type: 'notice'; readonly text: string }
  /** It can't be shown (any longer), and why. */
  | { readonly type: 'failed'; readonly message: string }
  /** `n` numbers what a host asks, from 1. */
  | { readonly type: 'control'; readonly n: number; readonly action: Action; readonly value?: number }
  /** Answers a read. */
  | { readonly type: 'bytes'; readonly id: number; readonly data: ArrayBuffer }
  | { readonly type: 'bytes'; readonly id: number; readonly error: string };

export interface PlayerState {
  readonly type: 'state';
  /** Seconds of recording time. */
  readonly currentTime: number;
  readonly duration: number;
  readonly playing: boolean;
  readonly speed: number;
  readonly following: boolean;
  /** The number of the last control that this comes after; 0 before the first. */
  readonly obeyed: number;
}

export type FromFrame =
  | PlayerState
  /** Asks for bytes `start` to `end` (exclusive) of a file of this recording. */
  | { readonly type: 'read'; readonly id: number; readonly file: string; readonly start: number; readonly end: number }
  /** The reader asked for a link to this moment. */
  | { readonly type: 'moment'; readonly t: number }
  /** Something worth keeping for the next time that this file is opened. */
  | { readonly type: 'keep'; readonly file: string; readonly data: ArrayBuffer };

const MAX_READ_BYTES = 8 * 2 ** 20;
const MAX_KEEP_BYTES = 64 * 2 ** 20;

/** Reads what a host sent; null for what is no such message. */
export function readToFrame(value: unknown): ToFrame | null {
  if (!isObject(value)) {
    return null;
  }
  switch (value.type) {
    case 'open':
      return readOpen(value);
    case 'append':
      return isString(value.file) && isString(value.text) && (value.from === undefined || isCount(value.from)) ? as(value) : null;
    case 'blob':
      return isString(value.sha256) && isString(value.text) ? as(value) : null;
    case 'manifest':
      return isObject(value.manifest) ? as(value) : null;
    case 'grown':
      return isString(value.file) && isCount(value.size) ? as(value) : null;
    case 'end':
      return { type: 'end' };
    case 'notice':
      return isString(value.text) ? as(value) : null;
    case 'failed':
      return isString(value.message) ? as(value) : null;
    case 'control':
      return isCount(value.n) && ACTIONS.includes(value.action) && (value.value === undefined || isNumber(value.value)) ? as(value) : null;
    case 'bytes':
      return isCount(value.id) && (value.data instanceof ArrayBuffer || isString(value.error)) ? as(value) : null;
    default:
      return null;
  }
}

/** Reads what a frame sent, which may be anything; null for what no host acts on. */
export function readFromFrame(value: unknown): FromFrame | null {
  if (!isObject(value)) {
    return null;
  }
  switch (value.type) {
    case 'state': {
      const { currentTime, duration, playing, speed, following, obeyed } = value;
      const numbers = isSeconds(currentTime) && isSeconds(duration) && isNumber(speed) && isCount(obeyed);
      return numbers && isBoolean(playing) && isBoolean(following)
        ? { type: 'state', currentTime, duration, playing, speed, following, obeyed }
        : null;
    }
    case 'read': {
      const { id, file, start, end } = value;
      const asked = isCount(id) && isFileName(file) && isCount(start) && isCount(end) && start < end && end - start <= MAX_READ_BYTES;
      return asked ? { type: 'read', id, file, start, end } : null;
    }
    case 'moment':
      return isSeconds(value.t) ? { type: 'moment', t: value.t } : null;
    case 'keep': {
      const { file, data } = value;
      return isFileName(file) && data instanceof ArrayBuffer && data.byteLength <= MAX_KEEP_BYTES ? { type: 'keep', file, data } : null;
    }
    default:
      return null;
  }
}

function readOpen(value: Record<string, unknown>): ToFrame | null {
  const large = value.large ?? [];
  const known =
    isObject(value.manifest) && isObject(value.options) && isBoolean(value.live) && Array.isArray(large) && large.every(isLargeFile);
  return known ? as(value) : null;
}

function isLargeFile(value: unknown): boolean {
  return isObject(value) && isString(value.name) && isCount(value.size) && (value.index === undefined || value.index instanceof ArrayBuffer);
}

/** A segment, a cast or a blob of the recording's own folder: no path. */
function isFileName(value: unknown): value is string {
  return isString(value) && /^[A-Za-z0-9_][A-Za-z0-9._-]{0,254}$/.test(value);
}

function as(value: unknown): ToFrame {
  return value as ToFrame;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isString = (value: unknown): value is string => typeof value === 'string';
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isSeconds = (value: unknown): value is number => isNumber(value) && value >= 0;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
