import { randomUUIDv7 } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import type { Insertable, Selectable } from 'kysely';
import type { EventWriter } from '../actions/events.ts';
import { createActions, type NewActionInput } from '../actions/transition.ts';
import type { TriggeredFrom } from '../actions/trigger.ts';
import { maskHeaders } from '../hooks/sensitive-headers.ts';
import type { IncomingHook } from '../hooks/registry.ts';
import type { Db, Trx } from '../platform/database/connect.ts';
import { listPage } from '../platform/database/listing.ts';
import type { Database } from '../platform/database/schema.ts';
import type { Listing, Page } from '../platform/http/pagination.ts';
import type { Decision, ReceivedRequest } from './decide.ts';

export type HookRequestRow = Selectable<Database['hook_requests']>;

/** A request with what was decided about it, ready to be stored. */
export type DecidedRequest = {
  hook: IncomingHook;
  request: ReceivedRequest;
  decision: Decision;
  ipAddress: string;
  durationUs: number;
  /** ms since 1970. */
  at: number;
};

export type StoredRequest = { requestUuid: string; actionId: number | null; repeated: boolean };

/** Of a body that failed its verification nothing is kept; of the headers of any request not more than this. */
const mostHeaderCharacters = 32_768;

/**
 * Stores a batch of requests with the actions they cause, in the caller's transaction. Of requests with the same
 * delivery id only the first ever stored causes an action; the others are recorded as its repeats.
 */
export async function storeRequests(
  writer: EventWriter,
  trx: Trx,
  items: DecidedRequest[],
): Promise<StoredRequest[]> {
  const rows = items.map(toRow);
  const inserted = await trx
    .insertInto('hook_requests')
    .values(rows)
    .onConflict((conflict) => conflict.column('dedup_key').where('dedup_key', 'is not', null).doNothing())
    .returning(['id', 'uuid'])
    .execute();
  const idByUuid = new Map(inserted.map(({ id, uuid }) => [uuid, id]));

  const newActions = items.flatMap((item, index) => {
    const requestId = idByUuid.get(rows[index]!.uuid);
    return requestId === undefined ? [] : toAction(item, requestId, rows[index]!.uuid);
  });
  const actions = await createActions(writer, trx, newActions);
  const actionByRequest = new Map(actions.map((action) => [action.hook_request_id, action.id]));

  const results: StoredRequest[] = [];
  for (const row of rows) {
    const requestId = idByUuid.get(row.uuid);
    results.push(
      requestId === undefined
        ? await storeRepeat(trx, row)
        : { requestUuid: row.uuid, actionId: actionByRequest.get(requestId) ?? null, repeated: false },
    );
  }
  return results;
}

type NewRow = Insertable<Database['hook_requests']>;

function toRow({ hook, request, decision, ...item }: DecidedRequest): NewRow & { uuid: string } {
  const keepsBody = decision.outcome !== 'refused' || decision.verified;
  return {
    uuid: randomUUIDv7(),
    hook_id: hook.row.id,
    hook_uuid: hook.row.uuid,
    environment_id: hook.row.environment_id,
    outcome: decision.outcome,
    status_code: decision.status,
    reason: decision.reason.replaceAll('\0', '\uFFFD'),
    errors: decision.outcome === 'refused' && decision.errors ? JSON.stringify(decision.errors) : null,
    ip_address: item.ipAddress,
    request_headers: recordedHeaders(request.headers, hook.definition.secret_header_name),
    request_body: keepsBody && request.body.length > 0 ? compress(request.body) : null,
    request_bytes: request.body.length,
    duration_us: item.durationUs,
    dedup_key: decision.outcome === 'accepted' ? decision.dedupKey : null,
    duplicate_of: null,
    created_at: item.at,
  };
}

function recordedHeaders(headers: ReceivedRequest['headers'], signatureHeader: string | null): string {
  const flat: Record<string, string> = {};
  let left = mostHeaderCharacters;
  for (const [name, value] of Object.entries(headers)) {
    const text = Array.isArray(value) ? value.join(', ') : (value ?? '');
    left -= name.length + text.length;
    if (left < 0) break;
    flat[name] = text;
  }
  // A header that the hook names is a signature, whatever it is called: it proves, but grants nothing.
  const signature = signatureHeader === null ? undefined : flat[signatureHeader];
  const masked = maskHeaders(flat);
  if (signatureHeader !== null && signature !== undefined) masked[signatureHeader] = signature;
  return JSON.stringify(masked);
}

/** Level 1 turns a 21 kB pull request into 1.9 kB in 70 µs. */
function compress(body: Buffer): Buffer {
  return zstdCompressSync(body, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
}

function toAction({ hook, request, decision, ...item }: DecidedRequest, requestId: number, uuid: string): NewActionInput[] {
  if (decision.outcome !== 'accepted') return [];
  const userAgent = request.headers['user-agent'];
  const triggeredFrom: TriggeredFrom = {
    origin: typeof userAgent === 'string' ? userAgent.slice(0, 200) : null,
    trigger_type: 'hook',
    name: hook.row.name,
    email: null,
    ip_address: item.ipAddress,
    user_id: null,
    hook_id: hook.row.uuid,
    hook_request_id: uuid,
    hook_parsed_variables: decision.variables,
  };
  return [
    {
      organization_id: hook.organizationId,
      project_id: hook.projectId,
      environment_id: hook.row.environment_id,
      pipeline_id: decision.pipelineId,
      resource_type: hook.row.resource_type,
      resource_id: hook.row.resource_id,
      type: hook.row.action_type,
      trigger_comment: null,
      retry_of: null,
      hook_request_id: requestId,
      triggered_from: JSON.stringify(triggeredFrom),
      parameters: JSON.stringify(decision.parameters),
      created_at: item.at,
    },
  ];
}

/** The unique key has shown that this delivery was accepted before, maybe a moment ago on another node. */
async function storeRepeat(trx: Trx, row: NewRow & { uuid: string }): Promise<StoredRequest> {
  const first = await trx
    .selectFrom('hook_requests')
    .leftJoin('actions', 'actions.hook_request_id', 'hook_requests.id')
    .select(['hook_requests.id', 'hook_requests.uuid', 'actions.id as action_id'])
    .where('hook_requests.dedup_key', '=', row.dedup_key!)
    .executeTakeFirstOrThrow();
  await trx
    .insertInto('hook_requests')
    .values({
      ...row,
      outcome: 'duplicate',
      reason: `Not run again: the same delivery was accepted before, as request ${first.uuid}.`,
      dedup_key: null,
      duplicate_of: first.id,
    })
    .execute();
  return { requestUuid: row.uuid, actionId: first.action_id, repeated: true };
}

export async function findHookRequest(db: Db, uuid: string): Promise<HookRequestRow | undefined> {
  return await db.selectFrom('hook_requests').selectAll().where('uuid', '=', uuid.toLowerCase()).executeTakeFirst();
}

export async function listHookRequests(db: Db, hookId: number, page: Page): Promise<Listing<HookRequestRow>> {
  const all = db.selectFrom('hook_requests').where('hook_id', '=', hookId).selectAll().orderBy('id', 'desc');
  return await listPage(all, page);
}

/** The actions of several requests; a repeat shows the action of the request it repeats. */
export async function actionIdsOf(db: Db, rows: HookRequestRow[]): Promise<Map<number, number>> {
  const ids = rows.map((row) => row.duplicate_of ?? row.id);
  if (ids.length === 0) return new Map();
  const actions = await db
    .selectFrom('actions')
    .select(['id', 'hook_request_id'])
    .where('hook_request_id', 'in', ids)
    .execute();
  const byRequest = new Map(actions.map((action) => [action.hook_request_id, action.id]));
  return new Map(
    rows.flatMap((row) => {
      const action = byRequest.get(row.duplicate_of ?? row.id);
      return action === undefined ? [] : [[row.id, action] as const];
    }),
  );
}
