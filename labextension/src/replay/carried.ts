/**
 * What a page carries: a payload, and files that may be too large to be one text. Those stand in elements
 * `<script data-file="…" data-size="…">`, in order, each with the gzipped base64 of `data-size` bytes, whole lines.
 */

import { CastFile } from './model/cast-file';
import { unpack } from './model/packing';
import { Recent } from './model/recent';
import { JOURNAL_FILE, appendCasts, beginRecording } from './model/recording';
import type { GrowingRecording, Payload } from './model/recording';
import { bytesOf } from './payload';

// A reader goes on where it was, mostly, and at times looks somewhere else in between.
const KEPT_PARTS = 4;

interface Part {
  readonly element: HTMLElement;
  readonly size: number;
}

/** Reads what `page` carries beside `payload`; `show` is called with its beginning, to which the rest is appended. */
export async function readCarried(page: ParentNode, payload: Payload, show: (recording: GrowingRecording) => void): Promise<void> {
  const files = partsIn(page);
  const [first, ...rest] = files.get(JOURNAL_FILE) ?? [];
  files.delete(JOURNAL_FILE);
  const recording = beginRecording(payload, new Map([...files].map(([file, parts]) => [file, castOf(parts)])));
  const append = async (part: Part): Promise<void> => recording.append(JOURNAL_FILE, new TextDecoder().decode(await unpackPart(part)));
  if (first !== undefined) {
    await append(first);
  }
  recording.reading = rest.length > 0;
  if (recording.reading) {
    show(recording);
  }
  for (const part of rest) {
    await append(part);
  }
  appendCasts(recording, payload);
  if (recording.reading) {
    recording.end();
  } else {
    show(recording);
  }
}

function partsIn(page: ParentNode): Map<string, Part[]> {
  const files = new Map<string, Part[]>();
  for (const element of page.querySelectorAll<HTMLElement>('script[data-file]')) {
    const { file = '', size = '' } = element.dataset;
    const parts = files.get(file) ?? [];
    parts.push({ element, size: Number(size) });
    files.set(file, parts);
  }
  return files;
}

function unpackPart({ element }: Part): Promise<ArrayBuffer> {
  return unpack(bytesOf(element.textContent ?? ''));
}

function castOf(parts: readonly Part[]): CastFile {
  const recent = new Recent<Part, ArrayBuffer>(KEPT_PARTS);
  const readRange = async (start: number, end: number): Promise<ArrayBuffer> => {
    const found = new Uint8Array(end - start);
    let at = 0;
    for (const part of parts) {
      if (at < end && at + part.size > start) {
        found.set(new Uint8Array(await recent.get(part, () => unpackPart(part))).subarray(Math.max(0, start - at), end - at), Math.max(0, at - start));
      }
      at += part.size;
    }
    return found.buffer;
  };
  return new CastFile(
    readRange,
    parts.reduce((sum, { size }) => sum + size, 0)
  );
}
