import type { Static } from 'typebox';
import { findServer, noteConnection, type ServerRow } from '../inventory/servers/store.ts';
import { ServerConnection, presentConnection } from '../inventory/servers/present.ts';
import { audited } from '../accounts/audit.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { notFound } from '../platform/errors.ts';
import { idParam } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import { TargetUnusable } from './executors/executor.ts';
import type { SshConnections } from './executors/ssh-connections.ts';
import { sshServer } from './targets.ts';

/** Signs in at servers to see whether steps could run there. */
export type ConnectionTester = {
  /** Nothing is noted yet. */
  test(server: ServerRow): Promise<ConnectionOutcome>;
  /** The same behind the back of whoever has added or changed the server; what came of it is noted. */
  testLater(serverId: number): void;
  stop(): Promise<void>;
};

type ConnectionOutcome = { status: 'ok' | 'failed'; message: string };

export function createConnectionTester(context: {
  db: Db;
  box: SecretBox;
  clock: Clock;
  ssh: SshConnections;
}): ConnectionTester {
  const { db, box, clock, ssh } = context;
  const later = new Set<Promise<unknown>>();

  const test = async (server: ServerRow): Promise<ConnectionOutcome> => {
    try {
      await ssh.test(sshServer(box, server));
      return { status: 'ok', message: `Signed in as ${server.ssh_user}.` };
    } catch (error) {
      if (error instanceof TargetUnusable) return { status: 'failed', message: error.message };
      throw error;
    }
  };
  const testAndNote = async (serverId: number): Promise<void> => {
    const server = await findServer(db, serverId);
    if (server) await noteConnection(db, serverId, { ...(await test(server)), now: clock.now() });
  };
  return {
    test,
    testLater(serverId) {
      // Whoever looks at the server sees what came of it; without an outcome it was not tested.
      const testing = testAndNote(serverId).catch(() => undefined);
      later.add(testing);
      void testing.finally(() => later.delete(testing));
    },
    async stop() {
      await Promise.all(later);
    },
  };
}

export function serverConnectionRoute(
  app: HttpApp,
  context: { db: Db; clock: Clock; tester: ConnectionTester },
): void {
  const { db, clock, tester } = context;
  const existing = async (id: number): Promise<ServerRow> => {
    const row = await findServer(db, id);
    if (!row) throw notFound('The server');
    return row;
  };

  app.route({
    method: 'POST',
    url: '/servers/:server_id/test-connection',
    config: { access: { permission: 'server:update', on: 'server', param: 'server_id' } },
    schema: {
      operationId: 'testServerConnection',
      summary: 'Sign in at a server, to see whether steps could run there',
      description:
        'What has been found is the answer, whether it is good or bad, and is shown with the server. The first time that it succeeds, the host key is remembered; another one is refused from then on.',
      params: idParam('server_id'),
      response: { 200: ServerConnection },
    },
    handler: async (request): Promise<Static<typeof ServerConnection>> => {
      const server = await existing(request.params.server_id);
      const outcome = await tester.test(server);
      const object = { type: 'server' as const, id: server.id, name: server.hostname };
      await audited(context, request, object, (trx) =>
        noteConnection(trx, server.id, { ...outcome, now: clock.now() }),
      );
      return presentConnection(await existing(server.id));
    },
  });
}
