import { RE2JS } from 're2js';

/*
 * Regular expressions that users define and that anyone's text is matched against. RE2 takes time linear in the text, and
 * its size is limited here, so that no pair of the two can hold a process up.
 */

export type LinearExpression = {
  /** Whether any part of the text matches; `^` and `$` bind it to the ends. Throws TextTooLong. */
  test(text: string): boolean;
  /** The first capture of the first match, or the match when there is none; null without a match. Throws TextTooLong. */
  capture(text: string): string | null;
};

/** Says what is wrong with an expression, to whoever wrote it. */
export class ExpressionFault extends Error {}

/** Looking at its beginning alone would take that for all of it, and "does not match" would let anything pass behind `not`. */
export class TextTooLong extends Error {
  constructor() {
    super('A text is too long to be matched against an expression of the hook.');
  }
}

export const mostExpressionLength = 500;
/** In the compiled form: `x{1000}` is a thousand. */
const mostInstructions = 5000;
/** Its instructions times the characters of a text: at worst about a fifth of a second. */
const mostSteps = 20_000_000;
/** No text that becomes a variable is longer. */
const mostMatchedLength = 65_536;

const known = new Map<string, LinearExpression>();
/** Each remembers up to 8 MB of what it has seen. */
const mostKnown = 300;

/** Compiled once and remembered. Throws ExpressionFault. */
export function linearExpression(pattern: string): LinearExpression {
  return remembered(`expression ${pattern}`, () => compile(pattern));
}

/** Of a glob over paths; see `globExpression`. Throws ExpressionFault. */
export function linearGlob(glob: string): LinearExpression {
  return remembered(`glob ${glob}`, () => compile(globExpression(glob)));
}

function remembered(key: string, make: () => LinearExpression): LinearExpression {
  let expression = known.get(key);
  if (!expression) {
    expression = make();
    const [oldest] = known.keys();
    if (known.size >= mostKnown && oldest !== undefined) known.delete(oldest);
    known.set(key, expression);
  }
  return expression;
}

function compile(pattern: string): LinearExpression {
  if (pattern.length > mostExpressionLength)
    throw new ExpressionFault(`has more than ${mostExpressionLength} characters`);
  const compiled = (() => {
    try {
      return RE2JS.compile(pattern);
    } catch (error) {
      const why = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : '';
      throw new ExpressionFault(`is no regular expression as RE2 knows them: ${why.slice(0, 200)}`);
    }
  })();
  if (compiled.programSize() > mostInstructions) throw new ExpressionFault('repeats too much');
  const longest = Math.min(mostMatchedLength, mostSteps / compiled.programSize());
  const check = (text: string) => {
    if (text.length > longest) throw new TextTooLong();
  };
  return {
    test(text) {
      check(text);
      return compiled.test(text);
    },
    capture(text) {
      check(text);
      const matcher = compiled.matcher(text);
      if (!matcher.find()) return null;
      return matcher.groupCount() > 0 ? matcher.group(1) : matcher.group(0);
    },
  };
}

/**
 * A glob over paths as one expression: `*` and `?` stay within a folder, `**` does not, `{a,b}` is either. Anything else is
 * itself. `apps/api/**` is everything below that folder.
 */
function globExpression(glob: string): string {
  let depth = 0;
  const parts = glob.match(/\*\*\/|\*\*|[\s\S]/gu) ?? [];
  const body = parts.map((part) => {
    switch (part) {
      case '**/':
        return '(?:.*/)?';
      case '**':
        return '.*';
      case '*':
        return '[^/]*';
      case '?':
        return '[^/]';
      case '{':
        depth++;
        return '(?:';
      case '}':
        if (depth === 0) return '\\}';
        depth--;
        return ')';
      case ',':
        return depth > 0 ? '|' : ',';
      default:
        return RE2JS.quote(part);
    }
  });
  return `(?s)^${body.join('')}${')'.repeat(depth)}$`;
}
