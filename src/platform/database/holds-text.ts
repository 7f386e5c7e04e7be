import { sql, type RawBuilder } from 'kysely';

/** Whether a text has another one in it, whatever the case; of other letters than a to z as the database knows them. */
export function holdsText(text: RawBuilder<unknown>, searched: string): RawBuilder<boolean> {
  const pattern = `%${searched.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  return sql<boolean>`lower(${text}) like lower(${pattern}) escape '\\'`;
}
