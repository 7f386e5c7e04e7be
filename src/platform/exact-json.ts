import { randomUUID } from 'node:crypto';

/*
 * JSON whose integers stay what they are. Beyond 2^53 a number of JavaScript would be another one, so such an integer is
 * read as a BigInt, and a BigInt is written as the integer it is.
 */

declare global {
  interface BigInt {
    toJSON(): object;
  }
  interface JSON {
    /** What `stringify` writes as it is (ECMAScript, "JSON.parse source text access"). */
    rawJSON(text: string): object;
  }
}

// What makes answers (Fastify), templates (Liquid) and logs all goes through `JSON.stringify`.
// oxlint-disable-next-line no-extend-native
BigInt.prototype.toJSON = function toJSON(this: bigint) {
  return JSON.rawJSON(String(this));
};

/** Any shorter integer is exact as a number. Inside a text it only costs time. */
const longNumber = /(?:^|[:[,\s])-?\d{16}/;
/** Longer ones are nobody's id, and reading them takes time that grows faster than they do. */
const mostDigits = 100;

/** Throws SyntaxError. Integers outside of ±(2^53 − 1), up to 100 digits, become BigInt. */
export function parseExactJson(text: string): unknown {
  if (!longNumber.test(text)) return JSON.parse(text);
  // A reviver would be called for each value there is, which takes many times as long as parsing. So what must stay exact
  // is made a text before, by a mark that nobody can know, and found again by a walk.
  const mark = randomUUID();
  const marked = markIntegers(text, mark);
  if (marked === null) return JSON.parse(text);
  const root = (() => {
    try {
      return [JSON.parse(marked)] as unknown[];
    } catch {
      // Told of the text as it was sent.
      return [JSON.parse(text)] as unknown[];
    }
  })();
  const exact = (value: unknown) =>
    typeof value === 'string' && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value;
  eachNode(root, (node) => {
    // By number: a list of millions would first be asked for the names of them all.
    if (Array.isArray(node)) for (let at = 0; at < node.length; at++) node[at] = exact(node[at]);
    else for (const key in node) node[key] = exact(node[key]);
  });
  return root[0];
}

/** The text with `mark` and quotes around each integer that a number cannot hold; null where there is none. */
function markIntegers(text: string, mark: string): string | null {
  const pieces: string[] = [];
  let done = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfText(text, at);
    else if (isOfNumber(code)) {
      const start = at;
      while (at < text.length && isOfNumber(text.charCodeAt(at))) at++;
      if (at - start >= 16 && isInexact(text.slice(start, Math.min(at, start + mostDigits + 2)))) {
        // A key is no number, and must not become a text that is one.
        if (!/^\s*:/.test(text.slice(at, at + 100))) {
          pieces.push(text.slice(done, start), `"${mark}`, text.slice(start, at), '"');
          done = at;
        }
      }
      at--;
    }
  }
  return done === 0 ? null : pieces.join('') + text.slice(done);
}

const quote = 0x22;
const backslash = 0x5c;

/** Where the text ends that begins here: at its second quote. */
function endOfText(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at - 1;
    while (text.charCodeAt(before) === backslash) before--;
    if ((at - before) % 2 === 1) return at;
  }
  return text.length;
}

/** Digits, signs, the point and the letter of an exponent: whatever belongs to the same number. */
function isOfNumber(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) ||
    code === 0x2d ||
    code === 0x2b ||
    code === 0x2e ||
    (code | 0x20) === 0x65
  );
}

function isInexact(number: string): boolean {
  return number.length <= mostDigits && /^-?[1-9]\d*$/.test(number) && !Number.isSafeInteger(Number(number));
}

/** Calls `visit` with every list and object within what JSON made, itself included, however deep it is nested. */
export function eachNode(value: unknown, visit: (node: unknown[] | Record<string, unknown>) => void): void {
  if (typeof value !== 'object' || value === null) return;
  const waiting: object[] = [value];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    // Safe: what JSON made is either.
    visit(node as unknown[] | Record<string, unknown>);
    const wait = (child: unknown) => typeof child === 'object' && child !== null && waiting.push(child);
    if (Array.isArray(node)) for (const child of node as unknown[]) wait(child);
    else for (const key in node) wait((node as Record<string, unknown>)[key]);
  }
}

/** The integer that a text of digits tells; null when it is none, or too long. */
export function exactInteger(text: string): number | bigint | null {
  if (text.length > mostDigits || !/^[+-]?\d+$/.test(text)) return null;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}
