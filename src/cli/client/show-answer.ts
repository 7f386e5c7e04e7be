import type { Command } from 'commander';
import { actionIdOf, pages } from '#sdk';
import type { OperationFacts } from '#sdk/operations';
import type { CommandRow } from './command-row.ts';
import type { ClientContext } from './context.ts';
import { CliFault, exitCodes } from './fault.ts';
import { followAction } from './follow.ts';
import { valueAt, type PathSource } from './lookup.ts';
import { listOperation } from './operation.ts';
import { columnsOf, showObject } from './present.ts';
import { readQuery } from './query.ts';

export async function showList(
  context: ClientContext,
  command: Command,
  facts: OperationFacts,
  row: CommandRow,
  path: Record<string, unknown>,
  source: PathSource,
): Promise<void> {
  const { out, client } = context;
  const options = command.opts<{ limit: string; all?: boolean }>();
  if (!/^[1-9]\d{0,8}$/.test(options.limit)) throw new CliFault('--limit is a whole number from 1.', 'usage');
  const limit = options.all ? Number.POSITIVE_INFINITY : Number(options.limit);
  const query = await readQuery(command, facts, source, context);
  const items: Record<string, unknown>[] = [];
  const asked = { path, query: { ...query, per_page: Math.min(limit + 1, 100) } };
  let hasMore = false;
  for await (const item of pages(listOperation(client, facts), asked)) {
    if (items.length === limit) {
      hasMore = true;
      break;
    }
    items.push(item);
    if (items.length % 100 === 0) out.progress(`${items.length} so far …`);
  }
  out.table(items, columnsOf(row.columns ?? ['id', 'name']));
  if (hasMore) out.note(`These are the first ${items.length}; --all shows every one.`);
}

export async function showAnswer(
  context: ClientContext,
  { starts, columns, expects }: CommandRow,
  { data, response }: { data: unknown; response: Response },
  { follow, color }: { follow?: boolean; color?: boolean },
): Promise<void> {
  const { out } = context;
  const actionId = starts ? (actionIdOf(response) ?? startedIn(data)) : null;
  if (actionId !== null && follow) return await followAction(context, actionId, { colours: color !== false });
  if (Array.isArray(data) && columns) out.table(data, columnsOf(columns));
  // Safe: what is no list is an object, of which a row names columns.
  else if (columns && data) out.fields(data as Record<string, unknown>, columnsOf(columns));
  else if (data !== undefined && data !== '' && response.status !== 204) await showObject(out, data);
  else if (out.isJson) out.json(actionId === null ? null : { action_id: actionId });
  else if (actionId === null) out.line('Done.');
  if (expects !== undefined && valueAt(data, 'status') !== expects)
    context.setExitCode(exitCodes.notSucceeded);
  if (actionId !== null)
    out.note(`Action ${actionId} has started. Watch it: hookline actions watch ${actionId}`);
}

function startedIn(data: unknown): number | null {
  if (typeof data !== 'object' || data === null) return null;
  const id = 'action_id' in data ? data.action_id : 'targets' in data && 'id' in data ? data.id : null;
  return typeof id === 'number' ? id : null;
}
