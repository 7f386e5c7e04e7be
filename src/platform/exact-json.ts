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
  return JSON.parse(text, (_key, value: unknown, { source }: { source?: string } = {}) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
    return source !== undefined && source.length <= mostDigits && /^-?\d+$/.test(source)
      ? BigInt(source)
      : value;
  });
}

/** The integer that a text of digits tells; null when it is none, or too long. */
export function exactInteger(text: string): number | bigint | null {
  if (text.length > mostDigits || !/^[+-]?\d+$/.test(text)) return null;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}
