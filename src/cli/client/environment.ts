import { listProjectEnvironments, listProjects, pages, type Client } from '#sdk';
import type { Connection } from './connection.ts';
import { CliFault } from './fault.ts';

export type KnownEnvironment = {
  id: number;
  name: string;
  type: string;
  project: string;
  project_id: number;
};

/** The environment that was asked for, that of the profile, or the only one. Throws a CliFault that lists them. */
export async function findEnvironment(client: Client, connection: Connection): Promise<number> {
  const { environment, stored } = connection;
  if (environment === null && stored?.environment) return stored.environment.id;
  if (environment !== null && isId(environment)) return Number(environment);
  const all = await listEnvironments(client);
  if (environment !== null) return environmentNamed(all, environment).id;
  const [only, ...others] = all;
  if (!only) throw new CliFault('There is no environment that you may see.', 'notFound');
  if (others.length === 0) return only.id;
  throw new CliFault(
    `Which environment? Say --environment <id or name>, or choose one for the profile: hookline environments use <id or name>\n${enumerate(all)}`,
    'usage',
  );
}

/** `production`, or `shop/production` where several projects have one. Throws a CliFault that lists them. */
export function environmentNamed(all: KnownEnvironment[], text: string): KnownEnvironment {
  const found = all.filter(
    ({ id, name, project }) => text === String(id) || text === name || text === `${project}/${name}`,
  );
  const [first, second] = found;
  if (first && !second) return first;
  if (!first)
    throw new CliFault(`There is no environment "${text}". There are:\n${enumerate(all)}`, 'notFound');
  throw new CliFault(
    `There are ${found.length} environments "${text}"; say which by its id:\n${enumerate(found)}`,
    'usage',
  );
}

export async function listEnvironments(client: Client): Promise<KnownEnvironment[]> {
  const all: KnownEnvironment[] = [];
  for await (const project of pages(listProjects, { client }))
    for await (const { id, name, type } of pages(listProjectEnvironments, {
      client,
      path: { project_id: project.id },
    }))
      all.push({ id, name, type, project: project.name, project_id: project.id });
  return all;
}

export function isId(text: string): boolean {
  return /^[1-9]\d{0,15}$/.test(text);
}

function enumerate(all: KnownEnvironment[]): string {
  return all.map(({ id, name, project }) => `  ${id}  ${project}/${name}`).join('\n');
}
