/**
 * A cast too large to be held: read block by block.
 *
 * Block `k` is the lines that begin between bytes `k * BLOCK_BYTES` and `(k + 1) * BLOCK_BYTES`, so that any block can be
 * read without those before it.
 */

import { CastReader } from './cast';
import type { CastEvent, Header } from './cast';
import { pack, unpack } from './packing';
import { Recent } from './recent';

export const BLOCK_BYTES = 64 * 1024;

// Beyond its blocks a read goes on so far: most lines end there.
const SLACK_BYTES = 4096;
// A line that is longer is not read: nothing that a terminal showed at once is.
const MAX_LINE_BYTES = 4 * 2 ** 20;
const KEPT_BLOCKS = 8;
// What programs print takes a tenth of its bytes when it is packed. Beyond this the host is asked again.
const MAX_PACKED_BYTES = 32 * 2 ** 20;
const NEWLINE = 10;

export type ReadRange = (start: number, end: number) => Promise<ArrayBuffer>;

export class CastFile {
  private known: Header | null = null;
  private readonly recent = new Recent<number, string>(KEPT_BLOCKS);
  /** As Blobs, which the browser keeps outside of the page's heap. */
  private readonly packed = new Map<number, Blob>();
  private packedBytes = 0;

  /** @param size bytes, up to the last whole line; see `grow` */
  constructor(
    private readonly read: ReadRange,
    public size: number
  ) {}

  get blocks(): number {
    return Math.ceil(this.size / BLOCK_BYTES);
  }

  /** Blocks to which nothing can be added. */
  get wholeBlocks(): number {
    return Math.floor(this.size / BLOCK_BYTES);
  }

  /** What was opened; raises InvalidCast where there is no header. */
  async header(): Promise<Header> {
    if (this.known === null) {
      const reader = new CastReader();
      reader.read((await this.text(0)).split('\n', 1)[0] ?? '');
      this.known = reader.header();
    }
    return this.known;
  }

  /** Asks for a block that will be read soon. */
  prefetch(block: number): void {
    void this.text(Math.max(0, block)).catch(() => undefined);
  }

  /** There are `size` bytes now. */
  grow(size: number): void {
    this.recent.forget(this.wholeBlocks);
    this.size = Math.max(this.size, size);
  }

  /** The events of a block; `now` is the time of the last one before it. */
  async events(block: number, now: number): Promise<CastEvent[]> {
    return this.parse(block, await this.text(block), now).events;
  }

  /** Reads what `texts` gave. */
  parse(block: number, text: string, now: number): { events: CastEvent[]; damaged: number } {
    const reader = block === 0 ? new CastReader() : CastReader.from(this.known!, now);
    const events = reader.read(text);
    return { events, damaged: reader.damaged };
  }

  /** Keeps the text of a whole block, so that nobody need be asked for it again; nothing of it where there is no more room. */
  async keep(block: number, text: string): Promise<void> {
    if (block < this.wholeBlocks && this.packedBytes < MAX_PACKED_BYTES && !this.packed.has(block)) {
      const packed = await pack(new TextEncoder().encode(text));
      this.packed.set(block, new Blob([packed as BlobPart]));
      this.packedBytes += packed.length;
    }
  }

  /** The whole lines of `count` blocks, a text for each, by one read where they are of usual length; none is kept by that. */
  async texts(block: number, count: number): Promise<readonly string[]> {
    const packed = Array.from({ length: count }, (_, at) => this.packed.get(block + at));
    if (packed.every(one => one !== undefined)) {
      return Promise.all(packed.map(async one => new TextDecoder().decode(await unpack(new Uint8Array(await one.arrayBuffer())))));
    }
    const from = block * BLOCK_BYTES;
    const until = Math.min(this.size, from + count * BLOCK_BYTES);
    const bytes = await this.window(from, until);
    const base = Math.max(0, from - 1);
    const decoder = new TextDecoder();
    return Array.from({ length: Math.max(0, Math.ceil((until - from) / BLOCK_BYTES)) }, (_, at) => {
      const start = lineAt(bytes, base, from + at * BLOCK_BYTES);
      const end = lineAt(bytes, base, Math.min(until, from + (at + 1) * BLOCK_BYTES));
      return decoder.decode(bytes.subarray(start, end));
    });
  }

  private text(block: number): Promise<string> {
    return this.recent.get(block, () => this.texts(block, 1).then(([only = '']) => only));
  }

  /** Bytes from the one before `from` to the end of the line in which `until` lies. */
  private async window(from: number, until: number): Promise<Uint8Array> {
    const base = Math.max(0, from - 1);
    let end = Math.min(this.size, until + SLACK_BYTES);
    let bytes = new Uint8Array(await this.read(base, end));
    while (end < this.size && bytes.indexOf(NEWLINE, until - 1 - base) < 0 && end - until < MAX_LINE_BYTES) {
      const more = Math.min(this.size, end + Math.max(SLACK_BYTES, end - until));
      const rest = new Uint8Array(await this.read(end, more));
      const joined = new Uint8Array(bytes.length + rest.length);
      joined.set(bytes);
      joined.set(rest, bytes.length);
      bytes = joined;
      end = more;
    }
    return bytes;
  }
}

/** Where in `bytes`, which begin at `base` in the file, the first line begins that begins at `offset` or after. */
function lineAt(bytes: Uint8Array, base: number, offset: number): number {
  if (offset === 0) {
    return 0;
  }
  const newline = bytes.indexOf(NEWLINE, offset - 1 - base);
  return newline < 0 ? bytes.length : newline + 1;
}
