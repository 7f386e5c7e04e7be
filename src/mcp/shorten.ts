/** About as much as a model reads with profit: 10,000 tokens. */
const mostCharacters = 40_000;
/** How much of each text is left, tried one after the other. */
const textLengths = [8000, 2000, 500, 200];
const entriesOfList = 20;

/**
 * The value itself when it is small, else one with long texts cut and at last fewer entries of a list: it keeps the form
 * that its schema says, and `note` tells what is missing.
 */
export function shorten(value: Record<string, unknown>): { value: Record<string, unknown>; note?: string } {
  if (sizeOf(value) <= mostCharacters) return { value };
  for (const length of textLengths) {
    const shorter = cutTexts(value, length, Number.POSITIVE_INFINITY) as Record<string, unknown>;
    if (sizeOf(shorter) <= mostCharacters)
      return { value: shorter, note: `Texts longer than ${length} characters are cut; "…" says where.` };
  }
  const shortest = cutTexts(value, textLengths.at(-1)!, entriesOfList) as Record<string, unknown>;
  const { items } = shortest;
  if (!Array.isArray(items))
    return {
      value: shortest,
      note: `Shortened: texts to ${textLengths.at(-1)} characters, lists to ${entriesOfList} entries.`,
    };
  const kept: unknown[] = [];
  let size = 0;
  for (const item of items) {
    size += sizeOf(item);
    if (size > mostCharacters) break;
    kept.push(item);
  }
  return {
    value: { ...shortest, items: kept },
    note: `Only the first ${kept.length} of this page’s entries are shown, with long texts cut. Ask with per_page ${Math.max(1, kept.length)} and read on with page.`,
  };
}

function sizeOf(value: unknown): number {
  return JSON.stringify(value)?.length ?? 0;
}

function cutTexts(value: unknown, length: number, entries: number): unknown {
  if (typeof value === 'string') return cutText(value, length);
  if (Array.isArray(value)) return value.slice(0, entries).map((item) => cutTexts(item, length, entries));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key,
      cutTexts(part, length, key === 'items' ? Infinity : entries),
    ]),
  );
}

function cutText(text: string, length: number): string {
  if (text.length <= length) return text;
  // Not in the middle of a character of two halves.
  return `${text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '')}… (${text.length} characters in all)`;
}
