/**
 * Decodes what the frame carries: base64 of gzip, or of the text itself.
 */

// Recorded text deflates well: what inflates beyond this would stall the page.
const MAX_INFLATED_BYTES = 512 * 2 ** 20;

export async function decode(base64: string): Promise<string> {
  const bytes = bytesOf(base64);
  const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return gzipped ? inflateText(bytes) : new TextDecoder().decode(bytes);
}

export function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64.trim()), char => char.charCodeAt(0));
}

/** Inflates the text in a message's gzipped part. */
export function gunzip({ buffer, byteOffset, byteLength }: DataView): Promise<string> {
  return inflateText(new Uint8Array(buffer, byteOffset, byteLength));
}

/** Inflates gzipped text; rejects what would stall the page. */
export async function inflateText(bytes: Uint8Array): Promise<string> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let total = 0;
  const reader = stream.getReader();
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    total += chunk.value.length;
    if (total > MAX_INFLATED_BYTES) {
      throw new Error('This replay is too large to be shown here.');
    }
    parts.push(decoder.decode(chunk.value, { stream: true }));
  }
  return parts.join('') + decoder.decode();
}
