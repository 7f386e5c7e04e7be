/* The keyed hash of Web Crypto, which Node, browsers and edge runtimes have; browsers only over https and on localhost. */

export type HmacAlgorithm = 'sha1' | 'sha256' | 'sha512';

const names = { sha1: 'SHA-1', sha256: 'SHA-256', sha512: 'SHA-512' } as const;

type Bytes = Uint8Array<ArrayBuffer>;

export async function hmac(algorithm: HmacAlgorithm, key: Bytes, data: Bytes): Promise<Bytes> {
  const { subtle } = webCrypto();
  const imported = await subtle.importKey('raw', key, { name: 'HMAC', hash: names[algorithm] }, false, [
    'sign',
  ]);
  return new Uint8Array(await subtle.sign('HMAC', imported, data));
}

/** How many of the pairs of a key and a signature fit; each pair is computed and compared in constant time. */
export async function countMatches(keys: Bytes[], signatures: Bytes[], data: Bytes): Promise<number> {
  const { subtle } = webCrypto();
  const checks = keys.map(async (key) => {
    const imported = await subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
    return await Promise.all(signatures.map((signature) => subtle.verify('HMAC', imported, signature, data)));
  });
  return (await Promise.all(checks)).flat().filter(Boolean).length;
}

function webCrypto(): Crypto {
  if (!globalThis.crypto?.subtle)
    throw new TypeError('There is no Web Crypto here: it takes Node 20 or newer, and in a browser https.');
  return globalThis.crypto;
}

const encoder = new TextEncoder();

/** Texts in UTF-8. */
export function joinBytes(...parts: (string | Uint8Array)[]): Bytes {
  const pieces = parts.map((part) => (typeof part === 'string' ? encoder.encode(part) : part));
  const joined = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function toBase64(bytes: Uint8Array): string {
  return btoa(toBinary(bytes));
}

/** Each byte as the character of its number, as headers carry bytes. */
export function toBinary(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}

/** Null unless the text is base64, with its padding. */
export function fromBase64(text: string): Bytes | null {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null;
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
