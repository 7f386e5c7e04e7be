import { chmod, readdir, rm } from 'node:fs/promises';
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
      if (!keep.has(name)) await remove(join(folder, name));
    }
  }
}

/** Steps may leave folders that their owner cannot write, as Go's cache of modules is. What cannot go now is tried again. */
async function remove(folder: string): Promise<void> {
  const options = { recursive: true, force: true };
  await rm(folder, options).catch(async () => {
    await makeWritable(folder);
    await rm(folder, options).catch(() => undefined);
  });
}

async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o700).catch(() => undefined);
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name));
  }
}
