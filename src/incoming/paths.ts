import { isSensitiveName } from '../hooks/sensitive-headers.ts';
import { lookUp } from '../platform/dotted-path.ts';
import { linearGlob } from '../platform/linear-expression.ts';
import { pathSegments, type ItemFilter, type PathSegment } from '../platform/path-segments.ts';
import { changedFiles } from './changed-files.ts';
import type { Effort } from '../platform/effort.ts';

/* Where the values of variables and conditions stand: in the body, or behind a `$` in what came with it. */

/** What paths look into. Header names are in lower case. */
export type PayloadSource = {
  payload: unknown;
  headers: Record<string, unknown>;
  query: Record<string, string>;
  /** Whether the body is a form: all of its values are texts then. */
  isForm: boolean;
  /** The body as it came, once it is no longer compressed. */
  text?: () => string;
  /** What looking for all of its paths may take; none in tests of a few. */
  effort?: Effort;
};

export const changedFilesPath = '$changed_files';
const bodyPath = '$body';

/**
 * The value at a path: of the body, `$headers.x-github-event` of a header, `$query.env` of the address, `$changed_files` of
 * a push, `$body` the text of all of it. In the body a path is dotted, with indexes of lists; `*` is all items of a list, and `[new.name=main]` the first
 * item whose own value at that path is the one named; `~` for `=` means a glob, and `&` joins several such.
 */
export function readPath(source: PayloadSource, path: string): unknown {
  source.effort?.spend(1);
  if (!path.startsWith('$')) return readBody(source, path);
  if (path === changedFilesPath) return changedFiles(source.payload)?.files;
  if (path === bodyPath) return source.text?.();
  const [, place, name] = /^\$(headers|query)\.(.+)$/i.exec(path) ?? [];
  if (place === undefined || name === undefined) return readBody(source, path);
  return place.toLowerCase() === 'headers' ? readHeader(source, name) : readQuery(source, name);
}

export function readHeader({ headers }: PayloadSource, name: string): unknown {
  const key = name.toLowerCase();
  return Object.hasOwn(headers, key) ? headers[key] : undefined;
}

export function readQuery({ query }: PayloadSource, name: string): unknown {
  return Object.hasOwn(query, name) ? query[name] : undefined;
}

/** The first of several paths where there is anything but null, with what is there. */
export function readFirst(source: PayloadSource, paths: readonly string[]): { path: string; value: unknown } {
  for (const path of paths) {
    const value = readPath(source, path);
    if (value !== undefined && value !== null) return { path, value };
  }
  return { path: paths[0]!, value: undefined };
}

/** Whether what stands at a path is text whatever its meaning, as in a header. */
export function isAlwaysText(source: PayloadSource, path: string): boolean {
  return source.isForm || path === bodyPath || /^\$(headers|query)\./i.test(path);
}

/** Whether a value at a path must not be shown: it may be a token. */
export function isSecretPath(path: string): boolean {
  const name = /^\$(?:headers|query)\.(.+)$/i.exec(path)?.[1];
  return name === undefined ? secretKey.test(path) : isSensitiveName(name);
}

/** The last key of a path. Of less it cannot be told: `author` is none. */
const secretKey = /(?:token|secret|password|passwd|passphrase|credentials?|api_?key)$/i;

function readBody({ payload, effort }: PayloadSource, path: string): unknown {
  const found = lookUp(payload, path);
  // A key that looks like more than a key is a key all the same: forms have some like `user[name]`.
  if (found !== undefined || !/[[*]|(?:^|\.)-\d/.test(path)) return found;
  return readSegments(payload, pathSegments(path), effort);
}

function readSegments(value: unknown, [segment, ...rest]: PathSegment[], effort?: Effort): unknown {
  if (segment === undefined) return value;
  switch (segment.kind) {
    case 'path':
      return readSegments(lookUp(value, segment.path), rest, effort);
    case 'fromEnd':
      return Array.isArray(value) ? readSegments(value.at(segment.index), rest, effort) : undefined;
    case 'item': {
      if (!Array.isArray(value)) return undefined;
      const item: unknown = value.find((one) =>
        segment.is.every((wanted) => isLike(lookUp(one, wanted.path), wanted, effort)),
      );
      return item === undefined ? undefined : readSegments(item, rest, effort);
    }
    case 'all': {
      if (!Array.isArray(value)) return undefined;
      const isLast = !rest.some(({ kind }) => kind === 'all');
      return value.flatMap((item) => {
        effort?.spend(1);
        const found = readSegments(item, rest, effort);
        if (found === undefined) return [];
        // Lists of lists become one; a list that stands at the end of the path stays what it is.
        return isLast ? [found] : (found as unknown[]);
      });
    }
  }
}

function isLike(value: unknown, { value: text, isGlob }: ItemFilter, effort?: Effort): boolean {
  effort?.spend(1 + (isGlob && typeof value === 'string' ? value.length / 16 : 0));
  if (!isGlob) return isWritten(value, text);
  return typeof value === 'string' && linearGlob(text).test(value);
}

/** Whether a value is written like this; lists and objects are not. */
export function isWritten(value: unknown, text: string): boolean {
  return value !== undefined && value !== null && typeof value !== 'object' && String(value) === text;
}
