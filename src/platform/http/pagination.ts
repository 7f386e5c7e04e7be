import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';

/** Query strings are text, so the numbers are given as patterns and read by `readPage`. */
export const PageQuery = Type.Object({
  page: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,8}$', description: 'From 1.' })),
  per_page: Type.Optional(
    Type.String({ pattern: '^([1-9][0-9]?|100)$', description: 'From 1 to 100; 20 if left out.' }),
  ),
});

export type Page = { limit: number; offset: number; page: number };

/** One page of a list, newest first, with the number of all its rows. */
export type Listing<Row> = { rows: Row[]; total: number };

export function readPage(query: Static<typeof PageQuery>): Page {
  const page = Number(query.page ?? 1);
  const limit = Number(query.per_page ?? 20);
  return { page, limit, offset: (page - 1) * limit };
}

/** Sets `Link` (RFC 8288) with first, prev, next and last, keeping the other parts of the query. */
export function linkPages(
  request: FastifyRequest,
  reply: FastifyReply,
  { page, limit }: Page,
  total: number,
): void {
  const last = Math.max(1, Math.ceil(total / limit));
  const address = new URL(request.url, 'http://host');
  const link = (rel: string, number: number) => {
    address.searchParams.set('page', String(number));
    address.searchParams.set('per_page', String(limit));
    return `<${address.pathname}${address.search}>; rel="${rel}"`;
  };
  const links = [link('first', 1)];
  if (page > 1) links.push(link('prev', Math.min(page - 1, last)));
  if (page < last) links.push(link('next', page + 1));
  links.push(link('last', last));
  reply.header('link', links.join(', '));
}
