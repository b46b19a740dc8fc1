import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseCast } from './cast';
import type { CastEvent } from './cast';
import { BLOCK_BYTES, CastFile } from './cast-file';

const HEADER = { version: 2, width: 80, height: 24 };

/** A file in memory, and what was asked of it. */
function fileOf(text: string): { file: CastFile; asked: [number, number][] } {
  const bytes = new TextEncoder().encode(text);
  const asked: [number, number][] = [];
  const read = (start: number, end: number): Promise<ArrayBuffer> => {
    asked.push([start, end]);
    return Promise.resolve(bytes.slice(start, end).buffer);
  };
  return { file: new CastFile(read, bytes.length), asked };
}

function castOf(lengths: readonly number[]): string {
  const events = lengths.map((length, at) => [at / 10, 'o', `${at} ${'é'.repeat(length)}`]);
  return [HEADER, ...events].map(line => `${JSON.stringify(line)}\n`).join('');
}

async function all(file: CastFile): Promise<CastEvent[]> {
  const events: CastEvent[] = [];
  await file.header();
  for (let block = 0; block < file.blocks; block += 1) {
    events.push(...(await file.events(block, 0)));
  }
  return events;
}

test('blocks together are the file, wherever their edges fall', async () => {
  for (let shift = 0; shift < 90; shift += 1) {
    const text = castOf([shift, ...Array.from({ length: 3000 }, (_, at) => 40 + (at % 7))]);
    assert.deepEqual(await all(fileOf(text).file), parseCast(text).events, `shift ${shift}`);
  }
});

test('a line that is longer than blocks is whole, in the block where it begins', async () => {
  const text = castOf([10, 3 * BLOCK_BYTES, 10, 20_000, 5]);
  const { file } = fileOf(text);
  assert.deepEqual(await all(file), parseCast(text).events);
  assert.equal((await file.events(2, 0)).length, 0);
});

test('several blocks at once are the same texts', async () => {
  const { file, asked } = fileOf(castOf(Array.from({ length: 8000 }, () => 60)));
  await file.header();
  asked.length = 0;
  const together = await file.texts(2, 4);
  assert.equal(asked.length, 1);
  assert.deepEqual(together, (await Promise.all([2, 3, 4, 5].map(block => file.texts(block, 1)))).flat());
});

test('what is read again soon is not asked for again', async () => {
  const { file, asked } = fileOf(castOf(Array.from({ length: 8000 }, () => 60)));
  await file.header();
  await file.events(3, 0);
  const before = asked.length;
  await Promise.all([file.events(3, 0), file.events(0, 0)]);
  assert.equal(asked.length, before);
});

test('blocks that are kept are the same texts, and nobody is asked for them', async () => {
  const { file, asked } = fileOf(castOf(Array.from({ length: 8000 }, () => 60)));
  const texts = await file.texts(0, file.blocks);
  await Promise.all(texts.map((text, block) => file.keep(block, text)));
  asked.length = 0;
  assert.deepEqual(await file.texts(1, file.wholeBlocks - 1), texts.slice(1, file.wholeBlocks));
  assert.equal(asked.length, 0);
  // To the last one there may come more.
  assert.deepEqual(await file.texts(0, file.blocks), texts);
  assert.equal(asked.length, 1);
});

test('a read that failed is tried again', async () => {
  const { file } = fileOf(castOf([1, 2]));
  let fails = true;
  const flaky = new CastFile((start, end) => (fails ? Promise.reject(new Error('away')) : file['read'](start, end)), file.size);
  await assert.rejects(flaky.header(), /away/);
  fails = false;
  assert.equal((await flaky.header()).cols, 80);
});

test('a file that grows gives its new lines', async () => {
  const before = new TextEncoder().encode(castOf([5]));
  const bytes = new TextEncoder().encode(castOf([5, 6, 7]));
  const file = new CastFile((start, end) => Promise.resolve(bytes.slice(start, end).buffer), before.length);
  await file.header();
  assert.equal((await file.events(0, 0)).length, 1);
  file.grow(bytes.length);
  assert.equal((await file.events(0, 0)).length, 3);
});
