import type { Static } from 'typebox';
import { findServer, noteConnection, type ServerRow } from '../inventory/servers/store.ts';
import { ServerConnection, presentConnection } from '../inventory/servers/present.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { notFound } from '../platform/errors.ts';
import { idParam } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import { TargetUnusable } from './executors/executor.ts';
import type { SshConnections } from './executors/ssh-connections.ts';
import { sshServer } from './targets.ts';

/** Signs in at servers to see whether steps could run there, and notes what came of it. */
export type ConnectionTester = {
  /** Throws `not_found` for a server that is gone meanwhile. */
  test(serverId: number): Promise<ServerRow>;
  /** The same behind the back of whoever has added or changed the server. */
  testLater(serverId: number): void;
  stop(): Promise<void>;
};

export function createConnectionTester(context: {
  db: Db;
  box: SecretBox;
  clock: Clock;
  ssh: SshConnections;
}): ConnectionTester {
  const { db, box, clock, ssh } = context;
  const later = new Set<Promise<unknown>>();

  const test = async (serverId: number): Promise<ServerRow> => {
    const server = await findServer(db, serverId);
    if (!server) throw notFound('The server');
    const outcome = await ssh.test(sshServer(box, server)).then(
      () => ({ status: 'ok' as const, message: `Signed in as ${server.ssh_user}.` }),
      (error: unknown) => {
        if (error instanceof TargetUnusable) return { status: 'failed' as const, message: error.message };
        throw error;
      },
    );
    await noteConnection(db, serverId, { ...outcome, now: clock.now() });
    const row = await findServer(db, serverId);
    if (!row) throw notFound('The server');
    return row;
  };
  return {
    test,
    testLater(serverId) {
      // Whoever looks at the server sees what came of it; without an outcome it was not tested.
      const testing = test(serverId).catch(() => undefined);
      later.add(testing);
      void testing.finally(() => later.delete(testing));
    },
    async stop() {
      await Promise.all(later);
    },
  };
}

export function serverConnectionRoute(app: HttpApp, { tester }: { tester: ConnectionTester }): void {
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
    handler: async (request): Promise<Static<typeof ServerConnection>> =>
      presentConnection(await tester.test(request.params.server_id)),
  });
}
