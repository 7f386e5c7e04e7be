import type { FastifyReply } from 'fastify';
import { Type, type Static } from 'typebox';

export const PageQuery = Type.Object({
  page: Type.Optional(Type.Integer({ minimum: 1, maximum: 999_999_999, description: 'From 1.' })),
  per_page: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100, description: 'From 1 to 100; 20 if left out.' }),
  ),
});

export type Page = { limit: number; offset: number; page: number };

/** One page of a list, newest first, with the number of all its rows. */
export type Listing<Row> = { rows: Row[]; total: number };

/** Reads the page that the query asks for, sets `Link` for it, and returns its rows. */
export async function onePage<Row>(
  request: { url: string; query: Static<typeof PageQuery> },
  reply: FastifyReply,
  list: (page: Page) => Promise<Listing<Row>>,
): Promise<Row[]> {
  const page = request.query.page ?? 1;
  const limit = request.query.per_page ?? 20;
  const { rows, total } = await list({ page, limit, offset: (page - 1) * limit });
  linkPages(request, reply, { page, limit }, total);
  return rows;
}

/** `Link` (RFC 8288) with first, prev, next and last, keeping the other parts of the query. */
function linkPages(
  request: { url: string; query: Static<typeof PageQuery> },
  reply: FastifyReply,
  { page, limit }: { page: number; limit: number },
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
