/** What may be put in at the cursor: `from` is where the word begins that it replaces. */
export type Completion = { from: number; options: { text: string; kind: 'name' | 'filter' }[] };

const most = 50;

/** Within `{{ }}` and `{% %}`: names, and after a `|` filters. Null elsewhere, and where nothing fits. */
export function completionAt(
  text: string,
  cursor: number,
  known: { names: readonly string[]; filters: readonly string[] },
): Completion | null {
  const inside = expressionBefore(text, cursor);
  if (inside === null || isInString(inside)) return null;
  const filter = /\|\s*(\w*)$/.exec(inside);
  if (filter) return matching(filter[1] ?? '', known.filters, 'filter', cursor);
  const name = /(?:^|[\s:,(])([\w.]*)$/.exec(inside);
  // After a value stands a `|` or an operator, not another value; a first word of a tag is the tag's own.
  if (!name || (name[1] === '' && /[\w"'\])]\s+$/.test(inside))) return null;
  return matching(name[1] ?? '', known.names, 'name', cursor);
}

/** The text from the opening of the expression that the cursor stands in. */
export function expressionBefore(text: string, cursor: number): string | null {
  const before = text.slice(0, cursor);
  const start = Math.max(before.lastIndexOf('{{'), before.lastIndexOf('{%'));
  if (start < 0) return null;
  const inside = before.slice(start + 2).replace(/^-/, '');
  return /\}\}|%\}/.test(inside) ? null : inside;
}

function isInString(inside: string): boolean {
  const plain = inside.replaceAll('\\"', '"').replaceAll(/"[^"]*"|'[^']*'/g, '');
  return /["']/.test(plain);
}

function matching(
  typed: string,
  all: readonly string[],
  kind: 'name' | 'filter',
  cursor: number,
): Completion | null {
  const wanted = typed.toLowerCase();
  const begins = all.filter((one) => one.toLowerCase().startsWith(wanted));
  const holds =
    wanted.length < 2 ? [] : all.filter((one) => !begins.includes(one) && one.toLowerCase().includes(wanted));
  const options = [...begins, ...holds].slice(0, most).map((text) => ({ text, kind }));
  const isDone = options.length === 0 || (options.length === 1 && options[0]?.text === typed);
  return isDone ? null : { from: cursor - typed.length, options };
}
