import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(argon2);
// OWASP's second recommended set for argon2id: 19 MiB, two passes, one lane.
const memoryKiB = 19_456;
const passes = 2;
const parallelism = 1;
const tagLength = 32;

/** `argon2id$<memory KiB>$<passes>$<salt>$<tag>`, so that the cost can be raised later without breaking old hashes. */
export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(16);
  const tag = await run(password, nonce, memoryKiB, passes);
  return ['argon2id', memoryKiB, passes, nonce.toString('base64url'), tag.toString('base64url')].join('$');
}

/**
 * Compares in constant time. With `stored` null (no such account) it spends the same time and answers false, so
 * that an answer's time does not tell which e-mail addresses exist.
 */
export async function verifyPassword(password: string, stored: string | null): Promise<boolean> {
  const [, memory, iterations, nonce, tag] = (stored ?? nobody).split('$');
  if (!nonce || !tag) return false;
  const actual = await run(password, Buffer.from(nonce, 'base64url'), Number(memory), Number(iterations));
  const expected = Buffer.from(tag, 'base64url');
  return expected.length === actual.length && timingSafeEqual(expected, actual) && stored !== null;
}

const nobody = `argon2id$${memoryKiB}$${passes}$${'A'.repeat(22)}$${'A'.repeat(43)}`;

async function run(password: string, nonce: Buffer, memory: number, iterations: number): Promise<Buffer> {
  return await derive('argon2id', {
    message: password,
    nonce,
    parallelism,
    tagLength,
    memory,
    passes: iterations,
  });
}
