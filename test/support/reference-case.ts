import type { ApiAnswer } from './api-client.ts';
import type { Scene } from './reference-scene.ts';

/** One call of an operation, under the name of what is different about it. */
export type Case = {
  call: (scene: Scene) => Promise<ApiAnswer<unknown>>;
  /**
   * What must be in the answer for the case to mean anything: by the path of a field its value, or one of `present`,
   * `absent` and `filled`; the path `` is the answer, and `each.status` that of every entry.
   */
  sees?: Sees;
};
export type Cases = Readonly<Record<string, Case>>;
export type Sees = Readonly<Record<string, unknown>>;

export const get = (path: (scene: Scene) => string, sees: Sees = {}): Case => ({
  call: (scene) => scene.api.request('GET', path(scene)),
  sees,
});
export const send = (
  method: 'POST' | 'PUT' | 'DELETE',
  path: (scene: Scene) => string | Promise<string>,
  body?: object | ((scene: Scene) => object),
  sees: Sees = {},
): Case => ({
  call: async (scene) =>
    await scene.api.request(method, await path(scene), typeof body === 'function' ? body(scene) : body),
  sees,
});

export const present = (value: unknown): boolean => value !== null && value !== undefined && value !== '';
export const absent = (value: unknown): boolean =>
  !present(value) || (Array.isArray(value) && value.length === 0);
export const filled = (value: unknown): boolean => Array.isArray(value) && value.length > 0;
export const holds: Sees = { '': filled };
export const empty: Sees = { '': absent };
let serial = 0;
export const fresh = (prefix: string): string => `${prefix}-${++serial}`;

/** The paths at which an answer is not what its case is about. */
export function unseen(sees: Sees = {}, body: unknown): string[] {
  return Object.entries(sees)
    .filter(([path, wanted]) => {
      const values = path.startsWith('each.')
        ? (Array.isArray(body) ? body : []).map((entry) => valueAt(entry, path.slice(5)))
        : [valueAt(body, path)];
      return !values.every((value) => (typeof wanted === 'function' ? wanted(value) : value === wanted));
    })
    .map(([path]) => path);
}

function valueAt(value: unknown, path: string): unknown {
  let found = value;
  for (const key of path === '' ? [] : path.split('.')) {
    found = typeof found === 'object' && found !== null ? Reflect.get(found, key) : undefined;
  }
  return found;
}
