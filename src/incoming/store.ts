import { randomUUIDv7 } from 'node:crypto';
import type { Insertable, Selectable } from 'kysely';
import type { EventWriter } from '../actions/events.ts';
import { createActions, type NewAction } from '../actions/transition.ts';
import type { TriggeredFrom } from '../actions/trigger.ts';
import type { IncomingHook } from '../hooks/registry.ts';
import { compileByCount } from '../platform/database/compiled-query.ts';
import type { Db, Trx } from '../platform/database/connect.ts';
import { listPage } from '../platform/database/listing.ts';
import type { Database } from '../platform/database/schema.ts';
import type { Listing, Page } from '../platform/http/pagination.ts';
import type { Decision, ReceivedRequest } from './decide.ts';
import { packPayloads, unpackPayload } from './payload.ts';
import { recordedHeaders, recordedQuery } from './recorded-headers.ts';

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
  /** Set when somebody had a recorded request run again. */
  replay?: Replay;
};

export type Replay = {
  retryOf: string;
  userId: number;
  /** What else belongs into the same transaction. */
  alongside: (trx: Trx, stored: StoredRequest) => Promise<void>;
};

export type StoredRequest = { requestUuid: string; actionId: number | null; repeated: boolean };

/** Of the body of a request that anybody can send and that ran nothing. */
const mostPassingBytes = 65_536;

type NewRow = Required<Insertable<Omit<Database['hook_requests'], 'id'>>>;

const columns = [
  'uuid',
  'hook_id',
  'hook_uuid',
  'environment_id',
  'outcome',
  'status_code',
  'reason',
  'errors',
  'ip_address',
  'request_query',
  'request_headers',
  'request_bytes',
  'payload_id',
  'payload_offset',
  'payload_length',
  'duration_us',
  'dedup_key',
  'action_id',
  'retry_of',
  'created_at',
] as const satisfies (keyof NewRow)[];

const insertRequests = compileByCount<NewRow, unknown>(columns, (trx, rows) =>
  trx.insertInto('hook_requests').values(rows),
);

const findAccepted = compileByCount<{ key: Buffer }, { dedup_key: Buffer; uuid: string; action_id: number }>(
  ['key'],
  (trx, rows) =>
    trx
      .selectFrom('hook_requests')
      .select(['dedup_key', 'uuid', 'action_id'])
      .where(
        'dedup_key',
        'in',
        rows.map(({ key }) => key),
      )
      // Safe: a row with a key was accepted, and so has an action.
      .$castTo<{ dedup_key: Buffer; uuid: string; action_id: number }>(),
);

/**
 * Stores a batch of requests with the actions they cause, in the caller's transaction. Of requests with the same
 * delivery id only the first ever stored causes an action; the others are recorded as its repeats. What somebody has run
 * again always causes one, and where it is the first that was accepted, copies that the sender sends later repeat it.
 *
 * Repeats of earlier batches are rare, so with `lookForRepeats` false they are not looked for: the unique key then makes
 * this throw, and the batch is to be stored again with true. The same happens when another node stores the same
 * delivery at the same moment.
 */
export async function storeRequests(
  writer: EventWriter,
  trx: Trx,
  items: DecidedRequest[],
  lookForRepeats: boolean,
): Promise<StoredRequest[]> {
  const uuids = items.map(() => randomUUIDv7());
  const { repeats, again } = await findRepeats(trx, items, uuids, lookForRepeats);
  const accepted = items.flatMap((item, index) => (repeats.has(index) ? [] : toAction(item, uuids[index]!)));
  const actions = await createActions(writer, trx, accepted);
  const places = await storePayloads(trx, items, (index) => isPassing(items[index]!, repeats.has(index)));

  let nextAction = 0;
  const results: StoredRequest[] = [];
  const rows: NewRow[] = [];
  for (const [index, item] of items.entries()) {
    const repeat = repeats.get(index);
    const causes = !repeat && item.decision.outcome === 'accepted';
    const original = repeat?.index === undefined ? repeat?.actionId : results[repeat.index]!.actionId;
    const actionId = causes ? actions[nextAction++]!.id : (original ?? null);
    results.push({ requestUuid: uuids[index]!, actionId, repeated: repeat !== undefined });
    rows.push({
      uuid: uuids[index]!,
      hook_id: item.hook.row.id,
      hook_uuid: item.hook.row.uuid,
      environment_id: item.hook.row.environment_id,
      outcome: repeat ? 'duplicate' : item.decision.outcome,
      status_code: item.decision.status,
      reason: repeat
        ? `Not run again: the same delivery was accepted before, as request ${repeat.uuid}.`
        : item.decision.reason.replaceAll('\0', '\uFFFD'),
      errors:
        item.decision.outcome === 'refused' && item.decision.errors
          ? JSON.stringify(item.decision.errors)
          : null,
      ip_address: item.ipAddress,
      request_query: recordedQuery(item.request.query, item.hook),
      request_bytes: item.request.body.length,
      ...places[index]!,
      duration_us: item.durationUs,
      dedup_key:
        causes && item.decision.outcome === 'accepted' && !again.has(index) ? item.decision.dedupKey : null,
      action_id: actionId,
      retry_of: item.replay?.retryOf ?? null,
      created_at: item.at,
    });
  }
  await insertRequests(trx, rows);
  for (const [index, { replay }] of items.entries()) await replay?.alongside(trx, results[index]!);
  return results;
}

/** What a repeat repeats: an earlier item of the same batch, or a request accepted before. */
type Repeat = { uuid: string; index?: number; actionId?: number };

async function findRepeats(
  trx: Trx,
  items: DecidedRequest[],
  uuids: string[],
  lookFurther: boolean,
): Promise<{ repeats: Map<number, Repeat>; again: Set<number> }> {
  const repeats = new Map<number, Repeat>();
  /** What is run again although it was accepted before. */
  const again = new Set<number>();
  const note = (index: number, repeat: Repeat) => {
    if (items[index]!.replay) again.add(index);
    else repeats.set(index, repeat);
  };
  const firstOf = new Map<string, number>();
  for (const [index, { decision }] of items.entries()) {
    if (decision.outcome !== 'accepted' || !decision.dedupKey) continue;
    const key = decision.dedupKey.toString('latin1');
    const first = firstOf.get(key);
    if (first === undefined) firstOf.set(key, index);
    else note(index, { uuid: uuids[first]!, index: first });
  }
  if (!lookFurther) return { repeats, again };
  const keys = [...firstOf.keys()].map((key) => ({ key: Buffer.from(key, 'latin1') }));
  for (const known of await findAccepted(trx, keys)) {
    const key = known.dedup_key.toString('latin1');
    for (const [index, { decision }] of items.entries()) {
      if (decision.outcome !== 'accepted' || decision.dedupKey?.toString('latin1') !== key) continue;
      note(index, { uuid: known.uuid, actionId: known.action_id });
    }
  }
  return { repeats, again };
}

type StoredPayload = Pick<NewRow, 'request_headers' | 'payload_id' | 'payload_offset' | 'payload_length'>;

/** Whether the record goes when a hundred later ones have come: see `prune.ts`. */
function isPassing({ hook, decision, replay }: DecidedRequest, isRepeat: boolean): boolean {
  return !hook.definition.requires_secret && (decision.outcome !== 'accepted' || isRepeat) && !replay;
}

/**
 * Of a request that failed its verification only the attempt is recorded: its headers, in the row itself. What is soon
 * pruned stands apart from what stays, so that its bodies go with it.
 */
async function storePayloads(
  trx: Trx,
  items: DecidedRequest[],
  isPassingAt: (index: number) => boolean,
): Promise<StoredPayload[]> {
  const stored: StoredPayload[] = [];
  const staying: Unpacked[] = [];
  const passing: Unpacked[] = [];
  for (const [index, { hook, request, decision }] of items.entries()) {
    const isProved = decision.outcome !== 'refused' || decision.verified;
    // A hundred of them stay for each hook: large ones would fill the disk.
    const isKept = isProved && !(isPassingAt(index) && request.body.length > mostPassingBytes);
    const headers = recordedHeaders(request.headers, hook, isProved);
    stored.push(attemptOnly(headers));
    if (isKept) (isPassingAt(index) ? passing : staying).push({ index, headers, body: request.body });
  }
  for (const unpacked of [staying, passing]) {
    if (unpacked.length === 0) continue;
    const { content, places } = packPayloads(unpacked);
    const { id } = await trx
      .insertInto('request_payloads')
      .values({ content, created_at: items[0]!.at })
      .returning('id')
      .executeTakeFirstOrThrow();
    for (const [at, { index }] of unpacked.entries()) {
      const { offset, length } = places[at]!;
      stored[index] = {
        request_headers: null,
        payload_id: id,
        payload_offset: offset,
        payload_length: length,
      };
    }
  }
  return stored;
}

type Unpacked = { index: number; headers: string; body: Buffer };

function attemptOnly(headers: string): StoredPayload {
  return { request_headers: headers, payload_id: null, payload_offset: null, payload_length: null };
}

function toAction({ hook, request, decision, ...item }: DecidedRequest, uuid: string): NewAction[] {
  if (decision.outcome !== 'accepted') return [];
  const userAgent = request.headers['user-agent'];
  const triggeredFrom: TriggeredFrom = {
    origin: typeof userAgent === 'string' ? userAgent.slice(0, 200) : null,
    trigger_type: 'hook',
    name: hook.row.name,
    email: null,
    ip_address: item.ipAddress,
    user_id: item.replay?.userId ?? null,
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
      triggered_from: JSON.stringify(triggeredFrom),
      parameters: JSON.stringify(decision.parameters),
      created_at: item.at,
    },
  ];
}

export async function findHookRequest(db: Db, uuid: string): Promise<HookRequestRow | undefined> {
  return await db
    .selectFrom('hook_requests')
    .selectAll()
    .where('uuid', '=', uuid.toLowerCase())
    .executeTakeFirst();
}

/** The last request of a hook whose body was kept. */
export async function findLastKept(db: Db, hookId: number): Promise<HookRequestRow | undefined> {
  return await db
    .selectFrom('hook_requests')
    .selectAll()
    .where('hook_id', '=', hookId)
    .where('payload_id', 'is not', null)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export const requestOutcomes = ['accepted', 'duplicate', 'skipped', 'refused'] as const;

export async function listHookRequests(
  db: Db,
  hookId: number,
  page: Page,
  outcome?: (typeof requestOutcomes)[number],
): Promise<Listing<HookRequestRow>> {
  const all = db.selectFrom('hook_requests').where('hook_id', '=', hookId).selectAll().orderBy('id', 'desc');
  return await listPage(outcome === undefined ? all : all.where('outcome', '=', outcome), page);
}

/** The recorded headers, as JSON, and the body, empty when it was not kept or is pruned. */
export async function readPayload(db: Db, row: HookRequestRow): Promise<{ headers: string; body: Buffer }> {
  const payload =
    row.payload_id === null
      ? undefined
      : await db
          .selectFrom('request_payloads')
          .select('content')
          .where('id', '=', row.payload_id)
          .executeTakeFirst();
  if (!payload || row.payload_offset === null || row.payload_length === null) {
    return { headers: row.request_headers ?? '{}', body: Buffer.alloc(0) };
  }
  return unpackPayload(payload.content, { offset: row.payload_offset, length: row.payload_length });
}
