import { Type, type Static } from 'typebox';
import { grantsIn, placeOf } from '../accounts/access.ts';
import { permissionsAt } from '../accounts/grants.ts';
import { ActionRelation, presentActions } from '../actions/present.ts';
import { breakerState, breakerStates, healthOfHooks } from '../hooks/health.ts';
import { knownResourceTypes } from '../inventory/resource.ts';
import { isoTime, type Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { idParam, Nullable, OneOf, Time, UuidText } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { createHourBounds, lastHours } from './hours.ts';
import {
  actionsByHour,
  failedDeliveries,
  failedSince,
  hooksOfEnvironment,
  requestsByHour,
  underWay,
  waitingDeliveries,
  type ListedHook,
} from './store.ts';

const count = (description: string) => Type.Integer({ minimum: 0, description });

const HourCounts = Type.Object(
  {
    starts_at: Time,
    actions: count('Actions that were created in this hour.'),
    failed_actions: count('Those of them that have failed.'),
    requests: Nullable(count('Requests to incoming hooks; null without `hook:read`.')),
    accepted_requests: Nullable(count('Those of them that started an action.')),
  },
  { title: 'HourCounts' },
);

const TroubledHook = Type.Object(
  {
    id: UuidText,
    name: Type.String(),
    type: OneOf(['in', 'out']),
    pipeline_id: Nullable(Type.Integer()),
    resource_type: OneOf(knownResourceTypes),
    resource_id: Type.Integer(),
    active: Type.Boolean(),
    disabled_at: Nullable(Time),
    disabled_reason: Nullable(Type.String()),
    breaker_state: Nullable(OneOf(breakerStates, 'Null for an incoming hook.')),
    blocked_until: Nullable(Time),
    last_failure: Nullable(Type.String()),
    waiting_deliveries: count('Deliveries that wait to be sent, or sent again.'),
    failed_deliveries: count('Deliveries of these 24 hours that have failed, or could not be rendered.'),
  },
  { title: 'TroubledHook', description: 'A hook that is off, that fails, or whose deliveries wait.' },
);

const EnvironmentOverview = Type.Object(
  {
    since: Time,
    running: count('Actions that run or wait to run.'),
    running_actions: Type.Array(ActionRelation, { description: 'The first of them, at most 20.' }),
    failed: count('Actions since `since` that have failed.'),
    failed_actions: Type.Array(ActionRelation, { description: 'The newest of them, at most 20.' }),
    hours: Type.Array(HourCounts, { description: 'The last 24 hours of the clock, the oldest first.' }),
    waiting_deliveries: Nullable(count('Of all hooks; null without `hook:read`.')),
    failed_deliveries: Nullable(count('Of all hooks, since `since`.')),
    hooks: Nullable(
      Type.Array(TroubledHook, {
        description: 'Hooks that need a look, at most 50; null without `hook:read`.',
      }),
    ),
  },
  { title: 'EnvironmentOverview' },
);

const mostHooksShown = 50;

/** What an environment does now, and what went wrong there since yesterday. */
export function overviewRoute(
  app: HttpApp,
  { db, clock, publicUrl }: { db: Db; clock: Clock; publicUrl: () => string },
): void {
  const bounds = createHourBounds(db);

  app.route({
    method: 'GET',
    url: '/environments/:environment_id/overview',
    config: { access: { permission: 'action:read', on: 'environment', param: 'environment_id' } },
    schema: {
      operationId: 'getEnvironmentOverview',
      summary: 'See what an environment does now, and what has failed in a day',
      description:
        'The last 24 hours of the clock: the one that runs, and the 23 before it. Cheap enough to be asked for every few seconds.',
      params: idParam('environment_id'),
      response: { 200: EnvironmentOverview },
    },
    handler: async (request) => {
      const environmentId = request.params.environment_id;
      const hours = lastHours(clock.now());
      const actionBounds = await bounds.of('actions', hours);
      const running = await underWay(db, environmentId);
      const failed = await failedSince(db, environmentId, actionBounds[0]!);
      const actions = await actionsByHour(db, environmentId, actionBounds);
      const mayReadHooks = permissionsAt(grantsIn(request), placeOf(request)).includes('hook:read');
      const ofHooks = mayReadHooks ? await readHooks(environmentId, hours) : null;
      return {
        since: isoTime(hours[0]!),
        running: running.count,
        running_actions: await presentActions(db, publicUrl(), running.rows),
        failed: failed.count,
        failed_actions: await presentActions(db, publicUrl(), failed.rows),
        hours: hours.map((hour, index) => ({
          starts_at: isoTime(hour),
          actions: actions.all[index]!,
          failed_actions: actions.failed[index]!,
          requests: ofHooks && ofHooks.requests.all[index]!,
          accepted_requests: ofHooks && ofHooks.requests.all[index]! - ofHooks.requests.notRun[index]!,
        })),
        waiting_deliveries: ofHooks && ofHooks.waiting,
        failed_deliveries: ofHooks && ofHooks.failed,
        hooks: ofHooks && ofHooks.troubled,
      };
    },
  });

  async function readHooks(environmentId: number, hours: number[]) {
    const hooks = await hooksOfEnvironment(db, environmentId);
    const idsOf = (direction: ListedHook['direction']) =>
      hooks.filter((hook) => hook.direction === direction).map(({ id }) => id);
    const outgoing = idsOf('out');
    const requests = await requestsByHour(db, idsOf('in'), await bounds.of('hook_requests', hours));
    const [firstDelivery] = await bounds.of('deliveries', hours.slice(0, 1));
    const waiting = await waitingDeliveries(db, outgoing);
    const failed = await failedDeliveries(db, outgoing, firstDelivery!);
    const health = await healthOfHooks(db, outgoing);
    const troubled = hooks
      .filter(({ id, active }) => !active || health.has(id) || waiting.has(id) || failed.has(id))
      .slice(0, mostHooksShown)
      .map((hook): Static<typeof TroubledHook> => {
        const ill = health.get(hook.id);
        return {
          id: hook.uuid,
          name: hook.name,
          type: hook.direction,
          pipeline_id: hook.pipeline_id,
          // Safe: only `save.ts` writes it, by this very list.
          resource_type: hook.resource_type as (typeof knownResourceTypes)[number],
          resource_id: hook.resource_id,
          active: hook.active === 1,
          disabled_at: isoTime(hook.disabled_at),
          disabled_reason: hook.disabled_reason,
          breaker_state: hook.direction === 'in' ? null : breakerState(ill, clock.now()),
          blocked_until: isoTime(ill?.blocked_until ?? null),
          last_failure: ill?.reason ?? null,
          waiting_deliveries: waiting.get(hook.id) ?? 0,
          failed_deliveries: failed.get(hook.id) ?? 0,
        };
      });
    return { requests, waiting: sum(waiting), failed: sum(failed), troubled };
  }
}

function sum(counts: Map<number, number>): number {
  return [...counts.values()].reduce((total, value) => total + value, 0);
}
