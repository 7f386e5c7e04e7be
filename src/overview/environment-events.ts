import { sql } from 'kysely';
import { defaultReason, statusCode } from '../actions/status.ts';
import { operationLabel } from '../pipelines/operations.ts';
import { isoTime } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { firstIdSince } from '../platform/database/first-id-since.ts';
import { earlier, growing, positionOf, type Growing, type Position } from '../platform/database/frontier.ts';

/*
 * What happens in an environment is not stored a second time: it is read on from the tables that only grow, each from its own
 * id, and merged by time. Where somebody is in it is therefore one id of each table.
 */

export const eventKinds = ['request', 'action', 'delivery'] as const;
type EventKind = (typeof eventKinds)[number];

type EnvironmentEvent = {
  kind: EventKind;
  /** ms since 1970. */
  at: number;
  /** JSON in one line. */
  data: string;
  /** Where to go on from after it. */
  position: Position;
};

export type EventPage = { events: EnvironmentEvent[]; to: Position };

/** Rows of one table, and ids that one statement passes over at most: what it holds up others by is bounded. */
const mostRows = 200;
const mostIds = 5000;
/** A sentence that is longer says who wrote it rather than what happened. */
const mostReasonCharacters = 1000;

/** A page of what happened in an environment after `from`; with `to` before `until` there is more. */
export async function readEventPage(
  db: Db,
  environmentId: number,
  { from, until }: { from: Position; until: Position },
): Promise<EventPage> {
  const lists = [];
  for (const table of growing) {
    if (from[table] >= until[table]) continue;
    const end = Math.min(until[table], from[table] + mostIds);
    const rows = await readers[table](db, environmentId, { after: from[table], end });
    const isCut = rows.length === mostRows;
    lists.push({
      table,
      rows,
      next: 0,
      end: isCut ? rows.at(-1)!.id : end,
      isLast: !isCut && end === until[table],
    });
  }
  const reached: Record<Growing, number> = { ...from };
  const events: EnvironmentEvent[] = [];
  for (;;) {
    // What follows in a table that was not read to its end may come before the rest of the others.
    if (lists.some(({ rows, next, isLast }) => !isLast && next === rows.length)) break;
    const [first] = lists
      .filter(({ rows, next }) => next < rows.length)
      .sort((one, other) => one.rows[one.next]!.at - other.rows[other.next]!.at);
    if (!first) break;
    const { id, ...event } = first.rows[first.next++]!;
    reached[first.table] = id;
    events.push({ ...event, position: { ...reached } });
  }
  for (const { table, rows, next, end } of lists) if (next === rows.length) reached[table] = end;
  return { events, to: reached };
}

/** Where those begin who ask for what happened since `time` (ms since 1970). */
export async function positionSince(db: Db, time: number): Promise<Position> {
  const firsts = new Map<Growing, number>();
  for (const table of growing) firsts.set(table, await firstIdSince(db, table, time));
  return positionOf((table) => firsts.get(table)! - 1);
}

/** The form of a position on the wire, which nobody but us reads. */
export const positionPattern = `^[0-9a-z]{1,11}(\\.[0-9a-z]{1,11}){${growing.length - 1}}$`;

export function positionText(position: Position): string {
  return growing.map((table) => position[table].toString(36)).join('.');
}

/** What is beyond `end`, e.g. of another database, was seen by nobody. */
export function parsePosition(text: string, end: Position): Position {
  const ids = text.split('.').map((part) => Number.parseInt(part, 36));
  return earlier(
    positionOf((table) => ids[growing.indexOf(table)] ?? 0),
    end,
  );
}

type Row = { id: number; kind: EventKind; at: number; data: string };
type Reader = (db: Db, environmentId: number, range: { after: number; end: number }) => Promise<Row[]>;

const readers: Record<Growing, Reader> = {
  hook_requests: async (db, environmentId, { after, end }) => {
    const rows = await db
      .selectFrom('hook_requests as r')
      .leftJoin('hooks', 'hooks.id', 'r.hook_id')
      .leftJoin('actions', 'actions.id', 'r.action_id')
      .select(['r.id', 'r.uuid', 'r.hook_uuid', 'r.outcome', 'r.status_code', 'r.reason', 'r.ip_address'])
      .select(['r.action_id', 'r.retry_of', 'r.request_bytes', 'r.duration_us', 'r.created_at'])
      .select(['hooks.name as hook_name', 'hooks.pipeline_id', 'actions.pipeline_id as ran_pipeline_id'])
      .where('r.environment_id', '=', environmentId)
      .where('r.id', '>', after)
      .where('r.id', '<=', end)
      .orderBy('r.id')
      .limit(mostRows)
      .execute();
    return rows.map((row) =>
      event('request', row, {
        id: row.uuid,
        hook_id: row.hook_uuid,
        hook_name: row.hook_name,
        pipeline_id: row.pipeline_id ?? row.ran_pipeline_id,
        outcome: row.outcome,
        reason: row.reason.slice(0, mostReasonCharacters),
        response_status_code: row.status_code,
        action_id: row.action_id,
        retry_of: row.retry_of,
        ip_address: row.ip_address,
        request_bytes: row.request_bytes,
        duration_ms: row.duration_us / 1000,
      }),
    );
  },

  actions: async (db, environmentId, { after, end }) => {
    const rows = await actionsWithNames(db)
      .select(['actions.id', 'actions.created_at'])
      .where('actions.environment_id', '=', environmentId)
      .where('actions.id', '>', after)
      .where('actions.id', '<=', end)
      .orderBy('actions.id')
      .limit(mostRows)
      .execute();
    // What has become of it since is told by its stream.
    const pending = {
      status: 'pending',
      status_reason_code: statusCode('pending'),
      status_reason_human_readable: defaultReason('pending'),
      started_at: null,
      completed_at: null,
    };
    return rows.map((row) => event('action', row, { ...actionOf(row), ...pending }));
  },

  action_stream: async (db, environmentId, { after, end }) => {
    const rows = await actionsWithNames(db)
      .innerJoin('action_stream', 'action_stream.action_id', 'actions.id')
      .select(['action_stream.id', 'action_stream.content', 'action_stream.created_at'])
      // The plus keeps SQLite from going through all actions of the environment instead.
      .where(sql<boolean>`+actions.environment_id = ${environmentId}`)
      // Written out, or SQLite would not take the index action_stream_changes.
      .where(sql<boolean>`action_stream.type = 'action'`)
      .where('action_stream.id', '>', after)
      .where('action_stream.id', '<=', end)
      .orderBy('action_stream.id')
      .limit(mostRows)
      .execute();
    return rows.map((row) => {
      // Safe: `actions/stream.ts` wrote it.
      const { updated_at: _, ...changed } = JSON.parse(row.content) as Record<string, unknown>;
      const reason = String(changed['status_reason_human_readable']).slice(0, mostReasonCharacters);
      return event('action', row, { ...actionOf(row), ...changed, status_reason_human_readable: reason });
    });
  },

  deliveries: async (db, environmentId, { after, end }) => {
    const rows = await db
      .selectFrom('deliveries as d')
      .leftJoin('hooks', 'hooks.id', 'd.hook_id')
      .leftJoin('actions', 'actions.id', 'd.action_id')
      .select(['d.id', 'd.uuid', 'd.hook_uuid', 'd.action_id', 'd.event', 'd.status', 'd.reason'])
      .select(['d.created_at', 'd.updated_at', 'hooks.name as hook_name', 'actions.pipeline_id'])
      .where('d.environment_id', '=', environmentId)
      .where('d.id', '>', after)
      .where('d.id', '<=', end)
      .orderBy('d.id')
      .limit(mostRows)
      .execute();
    return rows.map((row) => {
      // What was not to be sent was so from the beginning; anything else has waited first.
      const isUnsent =
        row.created_at === row.updated_at && (row.status === 'skipped' || row.status === 'failed');
      const { status, reason } = isUnsent ? row : { status: 'pending', reason: 'Waiting to be sent.' };
      return event('delivery', row, { ...deliveryOf(row), status, reason, ...untried });
    });
  },

  delivery_attempts: async (db, environmentId, { after, end }) => {
    const rows = await db
      .selectFrom('delivery_attempts as t')
      .innerJoin('deliveries as d', 'd.id', 't.delivery_id')
      .leftJoin('hooks', 'hooks.id', 'd.hook_id')
      .leftJoin('actions', 'actions.id', 'd.action_id')
      .select(['d.uuid', 'd.hook_uuid', 'd.action_id', 'd.event', 'd.status', 'd.attempts'])
      .select(['t.id', 't.uuid as attempt_uuid', 't.attempt', 't.url', 't.status_code', 't.reason'])
      .select(['t.duration_ms', 't.created_at', 'hooks.name as hook_name', 'actions.pipeline_id'])
      .where('d.environment_id', '=', environmentId)
      .where('t.id', '>', after)
      .where('t.id', '<=', end)
      .orderBy('t.id')
      .limit(mostRows)
      .execute();
    return rows.map((row) =>
      event('delivery', row, {
        ...deliveryOf(row),
        status: statusAfter(row),
        reason: row.reason.slice(0, mostReasonCharacters),
        attempt: row.attempt,
        request_id: row.attempt_uuid,
        url: row.url,
        response_status_code: row.status_code === 0 ? null : row.status_code,
        duration_ms: row.duration_ms,
      }),
    );
  },

  delivery_endings: async (db, environmentId, { after, end }) => {
    const rows = await db
      .selectFrom('delivery_endings as e')
      .innerJoin('deliveries as d', 'd.id', 'e.delivery_id')
      .leftJoin('hooks', 'hooks.id', 'd.hook_id')
      .leftJoin('actions', 'actions.id', 'd.action_id')
      .select(['d.uuid', 'd.hook_uuid', 'd.action_id', 'd.event', 'e.id', 'e.status', 'e.reason'])
      .select(['e.created_at', 'hooks.name as hook_name', 'actions.pipeline_id'])
      .where('d.environment_id', '=', environmentId)
      .where('e.id', '>', after)
      .where('e.id', '<=', end)
      .orderBy('e.id')
      .limit(mostRows)
      .execute();
    return rows.map((row) =>
      event('delivery', row, { ...deliveryOf(row), status: row.status, reason: row.reason, ...untried }),
    );
  },
};

const untried = {
  attempt: null,
  request_id: null,
  url: null,
  response_status_code: null,
  duration_ms: null,
};

function event(kind: EventKind, row: { id: number; created_at: number }, data: object): Row {
  const at = row.created_at;
  return { id: row.id, kind, at, data: JSON.stringify({ ...data, at: isoTime(at) }) };
}

function actionsWithNames(db: Db) {
  return db
    .selectFrom('actions')
    .leftJoin('pipelines', 'pipelines.id', 'actions.pipeline_id')
    .select([
      'actions.id as action_id',
      'actions.pipeline_id',
      'actions.resource_type',
      'actions.resource_id',
    ])
    .select(['actions.type', 'actions.retry_of', 'pipelines.name as pipeline_name']);
}

function actionOf(row: {
  action_id: number;
  pipeline_id: number | null;
  pipeline_name: string | null;
  resource_type: string;
  resource_id: number;
  type: string;
  retry_of: number | null;
}): object {
  const { action_id: id, pipeline_id, pipeline_name, resource_type, resource_id, type, retry_of } = row;
  const type_human_readable = operationLabel(type);
  return { id, pipeline_id, pipeline_name, resource_type, resource_id, type, type_human_readable, retry_of };
}

function deliveryOf(row: {
  uuid: string;
  hook_uuid: string;
  hook_name: string | null;
  pipeline_id: number | null;
  action_id: number;
  event: string;
}): object {
  const { uuid, hook_uuid, hook_name, pipeline_id, action_id } = row;
  return { id: uuid, hook_id: hook_uuid, hook_name, pipeline_id, action_id, event: row.event };
}

/** What the delivery was after an attempt: the last one has made it what it is; an earlier one was tried again after it. */
function statusAfter(row: {
  attempt: number;
  attempts: number;
  status: string;
  status_code: number;
}): string {
  const isEnd = ['delivered', 'rejected', 'failed', 'skipped'].includes(row.status);
  if (row.attempt === row.attempts && isEnd) return row.status;
  return row.status_code >= 200 && row.status_code < 300 ? 'delivered' : 'pending';
}
