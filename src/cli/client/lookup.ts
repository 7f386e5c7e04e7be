import { getHook, HooklineError, pages, type Client } from '#sdk';
import { environmentNamed, isId, listEnvironments } from './environment.ts';
import { CliFault } from './fault.ts';
import { kindOf, type Kind } from './kinds.ts';
import { callOperation, factsOf, listOperation } from './operation.ts';

/** How the parameters of a path are found that no person names: the environment, the only project. */
export type PathSource = (parameter: string) => Promise<unknown>;

/** The id that a person means by an id or a name. Throws a CliFault when there is none, or more than one. */
export async function findId(
  client: Client,
  parameter: string,
  text: string,
  source: PathSource,
): Promise<string | number> {
  const kind = kindOf(parameter);
  if (kind.isUuid ? isUuid(text) : isId(text)) return kind.isUuid ? text : Number(text);
  if (parameter === 'environment_id') return environmentNamed(await listEnvironments(client), text).id;
  const names = kind.names;
  if (!names)
    throw new CliFault(
      `"${text}" is not the id of a${/^[aeiou]/.test(kind.noun) ? 'n' : ''} ${kind.noun}.`,
      'usage',
    );
  const found: { id: unknown; name: string }[] = [];
  for await (const item of itemsOf(client, kind, source))
    if (names.some((name) => valueAt(item, name) === text))
      found.push({ id: valueAt(item, kind.id ?? 'id'), name: String(valueAt(item, names[0] ?? '')) });
  const [first, second] = found;
  if (!first)
    throw new CliFault(
      `There is no ${kind.noun} "${text}" here. See: hookline ${kind.flag}s list`,
      'notFound',
    );
  if (second)
    throw new CliFault(
      `There are ${found.length} ${kind.noun}s "${text}"; say which by its id: ${found.map(({ id }) => String(id)).join(', ')}`,
      'usage',
    );
  // Safe: the ids of the API are one or the other.
  return first.id as string | number;
}

/** Whether a hook is incoming or outgoing, which its path needs. */
export async function hookTypeOf(client: Client, hookId: string): Promise<'incoming' | 'outgoing'> {
  try {
    await getHook({ client, path: { hook_type: 'incoming', hook_id: hookId } });
    return 'incoming';
  } catch (error) {
    if (!(error instanceof HooklineError) || error.status !== 404) throw error;
    await getHook({ client, path: { hook_type: 'outgoing', hook_id: hookId } });
    return 'outgoing';
  }
}

/** Those of a kind that can be seen from here: for names, and for completion. */
export async function* itemsOf(
  client: Client,
  kind: Kind,
  source: PathSource,
): AsyncGenerator<Record<string, unknown>> {
  if (kind.within) {
    const facts = factsOf(kind.within.operation);
    const { data } = await callOperation(client, facts, {
      path: await pathFrom(facts.path_parameters, source),
    });
    const items = valueAt(data, kind.within.items);
    // Safe: the document says that these are objects.
    if (Array.isArray(items)) yield* items as Record<string, unknown>[];
    return;
  }
  if (!kind.list) return;
  const facts = factsOf(kind.list);
  yield* pages(listOperation(client, facts), { path: await pathFrom(facts.path_parameters, source) });
}

async function pathFrom(
  parameters: { name: string }[],
  source: PathSource,
): Promise<Record<string, unknown>> {
  const path: Record<string, unknown> = {};
  for (const { name } of parameters) path[name] = await source(name);
  return path;
}

/** `user.name` of an object; `steps.*.name` of each. */
export function valueAt(value: unknown, path: string): unknown {
  let found = value;
  const names = path.split('.');
  for (const [at, name] of names.entries()) {
    if (name === '*' && Array.isArray(found))
      return found.map((item) => valueAt(item, names.slice(at + 1).join('.')));
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
    // Safe: an object with that name of its own.
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
