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

// Without a Blob or a Response between: those are kept by another process, and read back from there.
async function through(bytes: ArrayBuffer | Uint8Array, stream: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  const writer = stream.writable.getWriter();
  // What goes wrong is told to the reader too.
  void writer.write(bytes as BufferSource).catch(() => undefined);
  void writer.close().catch(() => undefined);
  const parts: Uint8Array[] = [];
  const reader = stream.readable.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
  }
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
