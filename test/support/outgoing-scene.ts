import type { TestContext } from 'node:test';
import { until } from './api-client.ts';
import { createApplication, createOutgoingHook, createPipeline } from './fixtures.ts';
import type { TestApplication, Workplace } from './fixtures.ts';
import type { InProcessApp } from './in-process-app.ts';
import { listAll } from './lists.ts';
import type { ListedDelivery } from './lists.ts';
import { startReceiver } from './receiver.ts';
import type { Receiver } from './receiver.ts';

/** What tests of outgoing hooks do over and over; `app` may start later than this is called. */
export function createOutgoingScene(app: () => InProcessApp) {
  const made: TestApplication[] = [];

  const deliveriesOf = async (hookId: string): Promise<ListedDelivery[]> =>
    (await listAll<ListedDelivery>(app().api, `/hooks/outgoing/${hookId}/deliveries`)).toReversed();

  /** All deliveries of a hook, the oldest first, once `probe` holds for each of them and there are `count`. */
  const untilAll = async (
    hookId: string,
    count: number,
    probe: (delivery: ListedDelivery) => boolean,
    what: string,
  ): Promise<ListedDelivery[]> =>
    await until(async () => {
      const all = await deliveriesOf(hookId);
      return all.length === count && all.every(probe) && all;
    }, `${count} deliveries of the hook to be ${what}`);

  const untilOnly = async (
    hookId: string,
    probe: (delivery: ListedDelivery) => boolean,
    what: string,
  ): Promise<ListedDelivery> => (await untilAll(hookId, 1, probe, what))[0]!;

  return {
    deliveriesOf,
    untilAll,

    /** The only delivery of a hook, once it has this status. */
    untilStatus: (hookId: string, status: string): Promise<ListedDelivery> =>
      untilOnly(hookId, (one) => one.status === status, status),

    /** The only delivery of a hook, once that many attempts have ended. */
    untilAttempts: (hookId: string, count: number): Promise<ListedDelivery> =>
      untilOnly(hookId, (one) => one.status !== 'sending' && one.attempts === count, `tried ${count} times`),

    /** Closed when the test ends. */
    async receiverFor(t: TestContext, options?: Parameters<typeof startReceiver>[0]): Promise<Receiver> {
      const receiver = await startReceiver(options);
      t.after(() => receiver.close());
      return receiver;
    },

    /** A pipeline without steps in an application of its own, elsewhere than in the first environment if told so. */
    async pipeline(elsewhere: Partial<Workplace> = {}): Promise<number> {
      const place = { ...app(), ...elsewhere };
      const application = await createApplication(place);
      made.push(application);
      return await createPipeline(place, application, []);
    },

    /** A hook that hears once of each action: at its creation. */
    hook: (pipelineId: number, url: string, fields: Record<string, unknown> = {}): Promise<string> =>
      createOutgoingHook(app(), pipelineId, url, {
        trigger_when: { events: ['action.created'] },
        ...fields,
      }),

    /** Starts an action and returns its id. */
    async act(pipelineId: number): Promise<number> {
      return (await app().api.post<{ id: number }>(`/pipelines/${pipelineId}/actions`, {})).id;
    },

    /** What a test leaves undelivered must not disturb the next one, whose clock is the same. */
    async clear(): Promise<void> {
      for (const { id } of made.splice(0)) await app().api.delete(`/applications/${id}`);
    },
  };
}
