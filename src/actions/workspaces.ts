import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Db } from '../platform/database/connect.ts';

/** Removes the folders of actions that ended before `olderThan`, and of actions that are no more. */
export async function pruneWorkspaces(
  db: Db,
  { dataDirectory, olderThan }: { dataDirectory: string; olderThan: number },
): Promise<void> {
  const folder = join(dataDirectory, 'workspaces');
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (let at = 0; at < names.length; at += 500) {
    const some = names.slice(at, at + 500);
    const kept = await db
      .selectFrom('actions')
      .select('id')
      .where('id', 'in', some.map(Number))
      .where((eb) => eb.or([eb('completed_at', 'is', null), eb('completed_at', '>=', olderThan)]))
      .execute();
    const keep = new Set(kept.map(({ id }) => String(id)));
    for (const name of some) {
      if (!keep.has(name)) await rm(join(folder, name), { recursive: true, force: true });
    }
  }
}
