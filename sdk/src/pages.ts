import type { Client } from './client.ts';
import { withResponse } from './with-response.ts';

type ListOptions = {
  client?: Client;
  signal?: AbortSignal | null;
  query?: { page?: number; per_page?: number; [filter: string]: unknown };
  path?: unknown;
};

/** An operation that answers one page of a list. */
export type ListOperation<O, T> = (options: O) => Promise<T[]>;

export type Page<T> = {
  items: T[];
  /** The number of the next page; null on the last one. */
  next: number | null;
  /** The number of the last page. */
  last: number;
};

/** One page of a list: `readPage(listActions, { query: { status: 'failed' } }, 2)`. */
export async function readPage<const O extends ListOptions, T>(
  operation: ListOperation<O, T>,
  options: O,
  page = 1,
): Promise<Page<T>> {
  const asked = { ...options, query: { per_page: 100, ...options.query, page } };
  const { data, response } = await withResponse(operation, asked);
  const link = response.headers.get('link') ?? '';
  return { items: data, next: pageOf(link, 'next'), last: pageOf(link, 'last') ?? page };
}

/** Every object of a list, page by page as they are asked for: `for await (const action of pages(listActions, {}))`. */
export async function* pages<const O extends ListOptions, T>(
  operation: ListOperation<O, T>,
  options: O,
): AsyncGenerator<T, void, undefined> {
  for (let page: number | null = options.query?.page ?? 1; page !== null;) {
    const found: Page<T> = await readPage(operation, options, page);
    yield* found.items;
    page = found.next;
  }
}

/** Only the number is taken: behind a proxy, the address may be another than the one that was called. */
function pageOf(link: string, rel: string): number | null {
  for (const [, address, name] of link.matchAll(/<([^>]*)>;\s*rel="(\w+)"/g)) {
    if (name === rel) return Number(new URL(address ?? '', 'http://any').searchParams.get('page')) || null;
  }
  return null;
}
