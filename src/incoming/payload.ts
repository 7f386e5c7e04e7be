import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

/*
 * Headers and bodies of the requests that share a commit are compressed as one. Compressing each by itself costs
 * 25 µs, nearly all of it for setting up the compressor; together it is 1 to 2 µs each, and smaller by far, since
 * requests resemble each other.
 */

/** Where one request stands in the content, in bytes before compression. */
export type PayloadPlace = { offset: number; length: number };

/** Kept from batch to batch: under load a new one each time would be 200 MB of garbage a second. */
let workspace = Buffer.alloc(0);

/** Each item becomes its headers (JSON, which holds no NUL), a NUL, and the raw bytes of its body. */
export function packPayloads(items: { headers: string; body: Buffer }[]): {
  content: Buffer;
  places: PayloadPlace[];
} {
  const sizes = items.map(({ headers, body }) => Buffer.byteLength(headers) + 1 + body.length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const bytes = total > mostKept ? Buffer.allocUnsafe(total) : reuse(total);
  const places: PayloadPlace[] = [];
  let offset = 0;
  for (const [index, { headers, body }] of items.entries()) {
    const end = offset + bytes.write(headers, offset);
    bytes[end] = 0;
    body.copy(bytes, end + 1);
    places.push({ offset, length: sizes[index]! });
    offset += sizes[index]!;
  }
  const params = { [constants.ZSTD_c_compressionLevel]: 1 };
  return { content: zstdCompressSync(bytes.subarray(0, total), { params }), places };
}

const mostKept = 8 * 1024 * 1024;

function reuse(size: number): Buffer {
  if (workspace.length < size) workspace = Buffer.allocUnsafeSlow(Math.min(mostKept, size * 2));
  return workspace;
}

export function unpackPayload(
  content: Buffer,
  { offset, length }: PayloadPlace,
): { headers: string; body: Buffer } {
  const item = zstdDecompressSync(content).subarray(offset, offset + length);
  const end = item.indexOf(0);
  return { headers: item.subarray(0, end).toString('utf8'), body: item.subarray(end + 1) };
}
