/**
 * Reads what a notebook output or a file holds into what the frame needs.
 */

import type { FrameHost } from './frame-host';
import { encode } from './srcdoc';
import type { FrameOptions } from './srcdoc';

/** What gives a frame its recording by and by. */
export interface Feed {
  /** Begins, also again: the frame has nothing yet. */
  start(host: FrameHost): void;
  stop(): void;
  /** Bytes `start` to `end` (exclusive) of a large file. */
  read(file: string, start: number, end: number): Promise<ArrayBuffer>;
  /** Keeps what a frame made of a large file, to hand it back with the file the next time. */
  keep(file: string, data: ArrayBuffer): void;
}

export interface Replay {
  /** What the frame carries: base64 of the payload. */
  readonly data?: string;
  /** The id of a recording that the server has, where the frame carries none. */
  readonly link?: string;
  /** Makes what feeds the frame, where it is no recording that the server has. */
  readonly feed?: () => Feed;
  readonly options: FrameOptions;
  readonly title: string;
  /** CSS pixels. */
  readonly height: number;
}

/** A replay, or what to tell the reader instead. */
export type Source = Replay | string;

const DEFAULT_HEIGHT = 440;

export function recordingReplay(value: unknown): Source {
  if (!isObject(value)) {
    return 'This output holds no recording.';
  }
  const name = typeof value.name === 'string' ? value.name : 'recording';
  if (value.version !== 1) {
    return `The replay of "${name}" was made by a newer jupyter-recorder; upgrade to see it.`;
  }
  const shown = { options: options(value.options), title: `Replay of ${name}`, height: height(value.height) };
  if (typeof value.data === 'string') {
    return { data: value.data, ...shown };
  }
  // The notebook is hostile until shown otherwise: only what can be an id reaches the server's address.
  return typeof value.id === 'string' && /^[a-z0-9][a-z0-9-]{0,80}$/.test(value.id)
    ? { link: value.id, ...shown }
    : `This output links to no recording that could be ("${name}").`;
}

export function castReplay(value: unknown): Source {
  if (typeof value !== 'string' && !Array.isArray(value)) {
    return 'This output holds no asciicast.';
  }
  const text = Array.isArray(value) ? value.join('') : value;
  const data = encode(JSON.stringify({ casts: { 'terminal.cast': text } }));
  return { data, options: {}, title: 'Replay of a terminal', height: 500 };
}

function options(value: unknown): FrameOptions {
  const given = isObject(value) ? value : {};
  const number = (item: unknown): item is number => typeof item === 'number' && Number.isFinite(item);
  return {
    ...(number(given.speed) && { speed: given.speed }),
    ...(number(given.idle) && { idle: given.idle }),
    ...(number(given.start) && { start: given.start })
  };
}

function height(value: unknown): number {
  return typeof value === 'number' ? Math.min(1000, Math.max(240, value)) : DEFAULT_HEIGHT;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
