/**
 * What players made of large terminals (`LargeFile.index`), kept by the browser from one page to the next, so that each is
 * gone through once. Nothing is lost with it: where it can't be kept, it is made again.
 */

import { openDB } from 'idb';
import type { DBSchema, IDBPDatabase } from 'idb';

const NAME = 'jupyter-recorder';
const VERSION = 1;
// One of a terminal of 200 MB takes 15 MB.
const MAX_BYTES = 256 * 2 ** 20;
const MAX_AGE_MS = 30 * 24 * 3600 * 1000;

interface Entry {
  /** Where the file is on its server. */
  readonly url: string;
  /** Of the bytes that it was made of. */
  readonly etag: string;
  readonly size: number;
  /** Unix ms of its last use. */
  readonly used: number;
}

interface Schema extends DBSchema {
  /** Apart from the data, which are read only where they are wanted. */
  entries: { key: string; value: Entry };
  data: { key: string; value: ArrayBuffer };
}

let opened: Promise<IDBPDatabase<Schema>> | undefined;

function database(): Promise<IDBPDatabase<Schema>> {
  opened ??= openDB<Schema>(NAME, VERSION, {
    upgrade: made => {
      made.createObjectStore('entries', { keyPath: 'url' });
      made.createObjectStore('data');
    }
  });
  return opened;
}

/** What is kept of the file at this address, if it still is what it was. */
export async function keptIndex(url: string, etag: string): Promise<ArrayBuffer | undefined> {
  return quietly(async () => {
    const both = (await database()).transaction(['entries', 'data'], 'readwrite');
    const entry = await both.objectStore('entries').get(url);
    if (entry === undefined || etag === '' || entry.etag !== etag) {
      return undefined;
    }
    await both.objectStore('entries').put({ ...entry, used: Date.now() });
    const data = await both.objectStore('data').get(url);
    await both.done;
    return data;
  });
}

/** Keeps it; the longest unused ones make room. Without an `etag` nobody could tell whether it still holds. */
export async function keepIndex(url: string, etag: string, data: ArrayBuffer): Promise<void> {
  if (etag !== '') {
    await quietly(async () => {
      const both = (await database()).transaction(['entries', 'data'], 'readwrite');
      await both.objectStore('entries').put({ url, etag, size: data.byteLength, used: Date.now() });
      await both.objectStore('data').put(data, url);
      await both.done;
      await makeRoom();
    });
  }
}

/** Drops what is kept of files whose addresses are not wanted any more, such as those of recordings that were deleted. */
export async function dropIndexes(isUnwanted: (url: string) => boolean): Promise<void> {
  await quietly(async () => drop((await (await database()).getAllKeys('entries')).filter(isUnwanted)));
}

async function makeRoom(): Promise<void> {
  const entries = (await (await database()).getAll('entries')).sort((one, other) => other.used - one.used);
  let bytes = 0;
  await drop(entries.filter(({ size, used }) => (bytes += size) > MAX_BYTES || Date.now() - used > MAX_AGE_MS).map(({ url }) => url));
}

async function drop(urls: readonly string[]): Promise<void> {
  const both = (await database()).transaction(['entries', 'data'], 'readwrite');
  await Promise.all(urls.flatMap(url => [both.objectStore('entries').delete(url), both.objectStore('data').delete(url)]));
  await both.done;
}

/** A private window, a full disk, a browser that forbids it: all the same as nothing kept. */
async function quietly<T>(act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch {
    return undefined;
  }
}
