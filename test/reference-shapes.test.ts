import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { apiTable } from '../scripts/api-table.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import { unseen } from './support/reference-case.ts';
import type { Cases } from './support/reference-case.ts';
import { cases } from './support/reference-cases.ts';
import { notYetPresent, operations } from './support/reference-operations.ts';
import type { OperationId, ReferenceOperation } from './support/reference-operations.ts';
import { buildScene } from './support/reference-scene.ts';
import type { Scene } from './support/reference-scene.ts';
import { shapeFaults } from './support/shape-faults.ts';
import { startServer } from './support/server.ts';

/** Done at once here, so no action is named. */
const startsNothing = new Set<OperationId>(['addEnvironmentServer', 'deleteApplication', 'deleteServer']);

/** Given whole: it is a part of the program. */
const unpaged = new Set<OperationId>(['listStaticPermissions']);

for (const kind of databaseKinds) {
  describe(
    `answers have the shape that the reference's strict client takes (${kind})`,
    { timeout: 600_000 },
    () => {
      const ends = new AsyncDisposableStack();
      after(() => ends.disposeAsync());
      let scene: Scene;

      before(async () => {
        const database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
        const server = ends.adopt(await startServer({ database }), (started) => started.stop());
        scene = await buildScene(server, ends);
      });

      for (const [id, variants] of Object.entries(cases) as [OperationId, Cases][]) {
        for (const [name, { call, sees }] of Object.entries(variants)) {
          test(name === '' ? id : `${id}: ${name}`, async () => {
            const operation: ReferenceOperation = operations[id];
            const { status, headers, body } = await call(scene);
            const text = JSON.stringify(body);
            // Its clients take any 2xx, and senders are told by 202 that something runs.
            const expected = id === 'triggerHook' && status === 202 ? 202 : operation.status;
            assert.equal(status, expected, text);
            if (operation.answer) assert.deepEqual(shapeFaults(operation.answer, body), [], text);
            assert.deepEqual(unseen(sees, body), [], `not what the case is about: ${text}`);
            if (operation.startsAction && !startsNothing.has(id) && status !== 200) {
              assert.match(headers.get('x-devopness-action-id') ?? '', /^\d+$/);
            }
            if (operation.answer?.endsWith('[]') && !unpaged.has(id))
              assert.match(headers.get('link') ?? '', /rel="last"/);
          });
        }
      }
    },
  );
}

test('every operation has a case or is known to be missing, and none of the missing ones is there', async () => {
  const covered = Object.keys(cases);
  assert.deepEqual([...covered, ...notYetPresent].sort(), Object.keys(operations).sort());
  const routes = new Set(
    [...(await apiTable()).matchAll(/^\| `(\w+ \S+)`/gm)].map(([, route]) => bare(route!)),
  );
  const present = notYetPresent.filter((id) => {
    const { call } = operations[id];
    return routes.has(bare(call.replace(' ', ' /api').replace('{hook_type}', 'incoming')));
  });
  assert.deepEqual(present, [], 'these have a route by now: give them cases');
});

/** Parameters are called differently. */
const bare = (route: string): string => route.replaceAll(/\{\w+\}/g, '{}');
