/** True when a JSON value is nested more than `most` levels deep. Looks no deeper than that, so no input can exhaust the stack. */
export function isDeeperThan(value: unknown, most: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (most === 0) return true;
  return Object.values(value).some((item) => isDeeperThan(item, most - 1));
}

/**
 * The value at a dotted path such as `commits.0.id`, or undefined. Only own properties are seen, so that no path can
 * reach a prototype; a key that itself holds dots is found too, the longest first.
 */
export function lookUp(value: unknown, path: string): unknown {
  return search(value, path, { left: mostKeysTried });
}

/** Of a long path whose every part may be a key and belong to one, there are more than anyone can wait for. */
const mostKeysTried = 10_000;

function search(value: unknown, path: string, keys: { left: number }): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value) && !/^\d+(\.|$)/.test(path)) return undefined;
  if (Object.hasOwn(value, path)) return (value as Record<string, unknown>)[path];
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    if (keys.left-- <= 0) return undefined;
    const key = path.slice(0, dot);
    if (!Object.hasOwn(value, key)) continue;
    const found = search((value as Record<string, unknown>)[key], path.slice(dot + 1), keys);
    if (found !== undefined) return found;
  }
  return undefined;
}
