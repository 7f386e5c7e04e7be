import { parse as parseTolerant, printParseErrorCode, type ParseError } from 'jsonc-parser';
import secureJson from 'secure-json-parse';
import { AppError, invalid } from '../errors.ts';

/**
 * The value of a JSON text; undefined for an empty one. Throws AppError `bad_request` that tells line and column, and,
 * where the text still holds the comments or `<placeholders>` of a guide, what to remove.
 */
export function parseJsonBody(text: string): unknown {
  if (text.trim() === '') return undefined;
  const value = (() => {
    try {
      return secureJson.parse(text, { protoAction: 'error', constructorAction: 'error' }) as unknown;
    } catch (cause) {
      throw new AppError('bad_request', describeFault(text), { cause });
    }
  })();
  if (text.includes('\\u0000')) refuseNul(value, []);
  return value;
}

/** NUL can be stored by one of the two databases only, and passed to no script. */
function refuseNul(value: unknown, path: string[]): void {
  if (typeof value === 'string' && value.includes('\0')) {
    throw invalid([{ field: path.join('.') || 'body', message: 'must not hold a NUL character' }]);
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    if (key.includes('\0'))
      throw invalid([{ field: path.join('.') || 'body', message: 'must not have NUL in a key' }]);
    refuseNul(item, [...path, key]);
  }
}

function describeFault(text: string): string {
  const errors: ParseError[] = [];
  try {
    parseTolerant(text, errors, { disallowComments: true, allowTrailingComma: false });
  } catch {
    return 'The request body is nested too deep.';
  }
  const first = errors[0];
  // Valid JSON that was refused all the same: the one thing refused beyond syntax is a dangerous key.
  if (!first)
    return 'The request body holds a key that is not allowed ("__proto__" or "constructor.prototype").';
  const before = text.slice(0, first.offset);
  const line = before.split('\n').length;
  const column = first.offset - before.lastIndexOf('\n');
  return `The request body is not valid JSON: ${reason(first)} at line ${line}, column ${column}.${hint(text, first.offset)}`;
}

function reason(error: ParseError): string {
  return printParseErrorCode(error.error)
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
}

function hint(text: string, offset: number): string {
  const rest = text.slice(offset);
  if (/^\s*(\/\/|\/\*|#)/.test(rest)) {
    return ' JSON has no comments: remove the comment lines ("// NOTE: ...") that the guide leaves for you.';
  }
  const placeholder = /^\s*(<[a-z][a-z0-9 _-]*>)/i.exec(rest);
  if (placeholder) return ` Replace the placeholder ${placeholder[1]} with its value.`;
  if (/,\s*$/.test(text.slice(0, offset))) return ' Remove the comma before it.';
  const there = /^\s*(\S{1,20})/.exec(rest)?.[1];
  if (!there) return ' The body ends too early.';
  return ` There stands ${there}; names and texts need double quotes.`;
}
