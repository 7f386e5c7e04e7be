import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(argon2);
// OWASP's first recommended set for argon2id: 46 MiB, one pass, one lane. As strong as the second, 19 MiB and two passes,
// which would stay with each thread that has ever hashed: what is larger than 32 MiB, malloc returns to the system. After
// 60 hashes on 64 threads the process has 57 MB with the first set, 594 MB with the second.
const memoryKiB = 47_104;
const passes = 1;
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

/** There are threads for far more, and a flood of guesses would take 46 MiB and a core with each. */
const mostAtOnce = 2;
let running = 0;
const waiting: (() => void)[] = [];

async function run(password: string, nonce: Buffer, memory: number, iterations: number): Promise<Buffer> {
  // Who ends hands its place on, so that nobody who comes then can slip in between.
  if (running < mostAtOnce) running++;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await derive('argon2id', {
      message: password,
      nonce,
      parallelism,
      tagLength,
      memory,
      passes: iterations,
    });
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}
