import { mostLevels } from '../hooks/definition.ts';

/** So much of a JSON value as takes about `mostCharacters`: what is longer is cut, and so is what is nested deep. */
export function excerpt(value: unknown, mostCharacters: number): unknown {
  let left = mostCharacters;
  const cut = (text: string): string => {
    const most = Math.max(left, 0);
    left -= text.length;
    return text.length > most ? `${text.slice(0, most)} …` : text;
  };
  const copy = (one: unknown, levels: number): unknown => {
    left--;
    if (typeof one === 'string') return cut(one);
    if (typeof one !== 'object' || one === null) return one;
    if (levels === 0) return 'a value that is nested deep';
    if (Array.isArray(one)) {
      const items: unknown[] = [];
      for (let at = 0; at < one.length && left > 0; at++) items.push(copy(one[at], levels - 1));
      return items;
    }
    const entries: [string, unknown][] = [];
    for (const key in one) {
      if (left <= 0) break;
      // Safe: `key` is one of its own.
      entries.push([cut(key), copy((one as Record<string, unknown>)[key], levels - 1)]);
    }
    return Object.fromEntries(entries);
  };
  return copy(value, mostLevels);
}
