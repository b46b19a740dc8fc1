/**
 * Keeps in little room what is seldom read.
 */

/** gzip. */
export function pack(bytes: ArrayBuffer | Uint8Array): Promise<Uint8Array> {
  return through(bytes, new CompressionStream('gzip'));
}

export async function unpack(packed: Uint8Array): Promise<ArrayBuffer> {
  return (await through(packed, new DecompressionStream('gzip'))).buffer as ArrayBuffer;
}

async function through(bytes: ArrayBuffer | Uint8Array, stream: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  return new Uint8Array(await new Response(new Blob([bytes as BlobPart]).stream().pipeThrough(stream)).arrayBuffer());
}
