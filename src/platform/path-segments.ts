/** What an item of a list must hold to be the one that is meant. */
export type ItemFilter = { path: string; value: string; isGlob: boolean };

export type PathSegment =
  | { kind: 'all' }
  | { kind: 'path'; path: string }
  /** -1 is the last item. */
  | { kind: 'fromEnd'; index: number }
  | { kind: 'item'; is: ItemFilter[] };

/** A path into lists in its pieces: `commits.*.author.name`, `changes.[type=ADD&ref.displayId~release/*].toHash`. */
export function pathSegments(path: string): PathSegment[] {
  const segments: PathSegment[] = [];
  for (const [, inBrackets, plain] of path.matchAll(/\[([^\]]*)\]|([^.[]+)/g)) {
    const last = segments.at(-1);
    if (inBrackets !== undefined && /[=~]/.test(inBrackets)) {
      segments.push({ kind: 'item', is: inBrackets.split(/&(?=[^&=~]+[=~])/).map(filterOf) });
      continue;
    }
    const key = inBrackets ?? plain ?? '';
    if (key === '*') segments.push({ kind: 'all' });
    else if (/^-\d{1,6}$/.test(key)) segments.push({ kind: 'fromEnd', index: Number(key) });
    else if (last?.kind === 'path') last.path += `.${key}`;
    else segments.push({ kind: 'path', path: key });
  }
  return segments;
}

function filterOf(text: string): ItemFilter {
  const at = text.search(/[=~]/);
  return { path: text.slice(0, at), value: text.slice(at + 1), isGlob: text[at] === '~' };
}
