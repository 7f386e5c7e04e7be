import type { EventWriter } from '../../src/actions/events.ts';
import { createActions, transition } from '../../src/actions/transition.ts';
import { openKeys, readConfig } from '../../src/config.ts';
import { createHookRegistry } from '../../src/hooks/registry.ts';
import { createBus } from '../../src/platform/bus.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { connectBeside } from '../../src/platform/database/connect.ts';
import type { Db, Trx } from '../../src/platform/database/connect.ts';
import { createSecretBox } from '../../src/platform/secret-box.ts';
import type { TestDatabase } from './database.ts';
import type { Workplace } from './fixtures.ts';

/** What a hook with `everyChange` is told of an action, in this order. */
export const steps = ['pending', 'queued', 'in-progress', 'completed'] as const;
export const everyChange = { trigger_when: { events: ['action.created', 'action.status_changed'] } };

export type EventPipeline = { id: number; applicationId: number };

export type TestEvents = {
  db: Db;
  /** Creates actions that nobody runs, one of each pipeline named, and takes them to `queued`: two events each. */
  begin(pipelines: readonly EventPipeline[]): Promise<number[]>;
  /** Takes actions to their next status, all of them in one transaction: one event each. */
  advance(actionIds: readonly number[], to: 'in-progress' | 'completed'): Promise<void>;
  close(): Promise<void>;
};

/** Changes the status of actions as the program does, events included, from this process, beside whatever nodes run. */
export async function openEvents(
  database: TestDatabase,
  clock: Clock,
  { organizationId, projectId, environmentId }: Omit<Workplace, 'url' | 'api'>,
): Promise<TestEvents> {
  const { config } = readConfig(database.env);
  const connection = await connectBeside(config);
  const { db } = connection;
  const box = createSecretBox(openKeys(config));
  const registry = createHookRegistry({ db, box, bus: createBus(), clock, isShared: false });
  const writer: EventWriter = { registry, publicUrl: () => 'http://hookline.test' };

  const move = async (trx: Trx, id: number, to: 'queued' | 'in-progress' | 'completed', now: number) => {
    if (!(await transition(writer, trx, id, to, { now }))) throw new Error(`action ${id} is not to be ${to}`);
  };

  return {
    db,
    begin: (pipelines) =>
      // A pending action would be run by whichever node sees it.
      db.transaction().execute(async (trx) => {
        const now = clock.now();
        const inputs = pipelines.map(({ id, applicationId }) => ({
          organization_id: organizationId,
          project_id: projectId,
          environment_id: environmentId,
          pipeline_id: id,
          resource_type: 'application',
          resource_id: applicationId,
          type: 'deploy',
          trigger_comment: null,
          retry_of: null,
          triggered_from: '{}',
          parameters: '{}',
          created_at: now,
        }));
        const ids: number[] = [];
        // A statement takes only so many values.
        for (let from = 0; from < inputs.length; from += 500) {
          const actions = await createActions(writer, trx, inputs.slice(from, from + 500));
          ids.push(...actions.map(({ id }) => id));
        }
        for (const id of ids) await move(trx, id, 'queued', now);
        return ids;
      }),
    advance: (actionIds, to) =>
      db.transaction().execute(async (trx) => {
        for (const id of actionIds) await move(trx, id, to, clock.now());
      }),
    close: () => connection.close(),
  };
}
