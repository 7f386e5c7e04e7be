import type { SelectQueryBuilder } from 'kysely';
import type { Listing, Page } from '../http/pagination.ts';

/** One page of `query`, which is ordered already, and the number of all its rows. */
export async function listPage<DB, Tables extends keyof DB, Row>(
  query: SelectQueryBuilder<DB, Tables, Row>,
  { limit, offset }: Page,
): Promise<Listing<Row>> {
  const rows = await query.limit(limit).offset(offset).execute();
  // The last page knows the number, without a second look through everything.
  if (rows.length < limit && (rows.length > 0 || offset === 0)) return { rows, total: offset + rows.length };
  const [{ total } = { total: 0 }] = await query
    .clearSelect()
    .clearOrderBy()
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .$castTo<{ total: number }>()
    .execute();
  return { rows, total };
}
