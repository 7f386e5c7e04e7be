export type DiffLine = { sign: ' ' | '+' | '-'; text: string };

/** More than this is shown as all old and all new lines. */
const mostCells = 4_000_000;
const context = 2;

/** How one text becomes another, line by line, with two lines around each change; `…` where lines are left out. */
export function lineDiff(from: string, to: string): DiffLine[] {
  const [old, now] = [from.split('\n'), to.split('\n')];
  return withContext(old.length * now.length > mostCells ? replaced(old, now) : aligned(old, now));
}

function replaced(old: string[], now: string[]): DiffLine[] {
  return [
    ...old.map((text): DiffLine => ({ sign: '-', text })),
    ...now.map((text): DiffLine => ({ sign: '+', text })),
  ];
}

/** By the longest common subsequence. */
function aligned(old: string[], now: string[]): DiffLine[] {
  const width = now.length + 1;
  const lengths = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = now.length - 1; j >= 0; j--)
      lengths[i * width + j] =
        old[i] === now[j]
          ? lengths[(i + 1) * width + j + 1]! + 1
          : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      lines.push({ sign: ' ', text: old[i]! });
      i += 1;
      j += 1;
    } else if (
      j >= now.length ||
      (i < old.length && lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!)
    ) {
      lines.push({ sign: '-', text: old[i]! });
      i += 1;
    } else {
      lines.push({ sign: '+', text: now[j]! });
      j += 1;
    }
  }
  return lines;
}

/** Of a list the first line of the item too, which says which one it is. */
function withContext(lines: DiffLine[]): DiffLine[] {
  const isShown = lines.map((_, at) =>
    lines.slice(Math.max(0, at - context), at + context + 1).some(({ sign }) => sign !== ' '),
  );
  let heading = -1;
  for (const [at, { sign, text }] of lines.entries()) {
    if (text.startsWith('- ')) heading = at;
    if (sign !== ' ' && heading >= 0) isShown[heading] = true;
  }
  // In the place of a single line `…` saves nothing.
  const isHidden = (at: number) => at >= 0 && at < lines.length && !isShown[at];
  return lines.flatMap((line, at): DiffLine[] => {
    if (!isHidden(at) || (!isHidden(at - 1) && !isHidden(at + 1))) return [line];
    return isHidden(at - 1) ? [] : [{ sign: ' ', text: '…' }];
  });
}
