import type { Logger } from 'pino';
import { guardRoutes, type RequestLimits } from './accounts/access.ts';
import { pruneAudit } from './accounts/audit.ts';
import { hashPassword } from './accounts/passwords.ts';
import { accountRoutes } from './accounts/routes.ts';
import { createThrottle, type Throttle } from './accounts/throttle.ts';
import { startActionWorker } from './actions/action-worker.ts';
import type { EventWriter } from './actions/events.ts';
import { removeScriptDirectory, scriptDirectory } from './actions/executors/script-directory.ts';
import { createLocalExecutor } from './actions/executors/local.ts';
import { createSshConnections, type SshConnections } from './actions/executors/ssh-connections.ts';
import { createFeed, type Feed } from './actions/feed.ts';
import { pruneRuns } from './actions/prune.ts';
import { installationId } from './actions/releases/store.ts';
import { outgoingListenRoute } from './actions/outgoing-listen-route.ts';
import { outgoingPreviewRoutes } from './actions/outgoing-preview-routes.ts';
import { outgoingTestRoute } from './actions/outgoing-test-route.ts';
import { actionRoutes } from './actions/routes.ts';
import {
  createConnectionTester,
  serverConnectionRoute,
  type ConnectionTester,
} from './actions/server-connection.ts';
import { actionStreamRoute } from './actions/stream-route.ts';
import { pruneWorkspaces } from './actions/workspaces.ts';
import { openKeys, type Config } from './config.ts';
import { createHookRegistry } from './hooks/registry.ts';
import { hookRoutes } from './hooks/routes.ts';
import { pruneRequests } from './incoming/prune.ts';
import { installRoutes } from './incoming/install/routes.ts';
import { createReceiver } from './incoming/receive.ts';
import { replayRoute } from './incoming/replay-route.ts';
import { createRefusalCounter, type RefusalCounter } from './incoming/refusal-counter.ts';
import { incomingRoutes } from './incoming/routes.ts';
import { createShed } from './incoming/shed.ts';
import { refuseOtherMethods, triggerRoute } from './incoming/trigger-route.ts';
import { tryOutRoute } from './incoming/try-out-route.ts';
import { createUnverifiedLimit, type UnverifiedLimit } from './incoming/unverified.ts';
import { applicationRoutes } from './inventory/applications/routes.ts';
import { credentialRoutes } from './inventory/credentials/routes.ts';
import { firstStart, type FirstStart } from './inventory/first-start.ts';
import { placeRoutes } from './inventory/places/routes.ts';
import { resourceLinkRoutes } from './inventory/resource-link-routes.ts';
import { serverRoutes } from './inventory/servers/routes.ts';
import { pinHostKey } from './inventory/servers/store.ts';
import { variableRoutes } from './inventory/variables/routes.ts';
import type { ApiRoute } from './openapi/collect-routes.ts';
import { referencePage } from './openapi/reference-page.ts';
import { openApiRoutes } from './openapi/routes.ts';
import { startDeliveryWorker } from './outgoing/delivery-worker.ts';
import { createEgressGuard } from './platform/egress-guard.ts';
import { createHttpClient } from './outgoing/http-client.ts';
import { pruneDeliveries } from './outgoing/prune.ts';
import { startRecoveryWorker } from './outgoing/recovery-worker.ts';
import { outgoingRoutes } from './outgoing/routes.ts';
import { environmentStreamRoute } from './overview/environment-stream-route.ts';
import { overviewRoute } from './overview/route.ts';
import { mcpRoute } from './mcp/route.ts';
import { invitationPage } from './members/invitations/page.ts';
import { memberRoutes } from './members/routes.ts';
import { addLifecyclePipelines } from './pipelines/lifecycle.ts';
import { pipelineRoutes } from './pipelines/routes.ts';
import { pruneSteps } from './pipelines/store.ts';
import type { Bus } from './platform/bus.ts';
import { systemClock, type Clock } from './platform/clock.ts';
import { checkKey } from './platform/database/check-key.ts';
import { connect, type Connection } from './platform/database/connect.ts';
import { createFrontier, type Frontier } from './platform/database/frontier.ts';
import { isMigrated, migrate } from './platform/database/migrate.ts';
import { connectBus } from './platform/database/notify.ts';
import { trusts } from './platform/http/client-address.ts';
import { createEventStreams } from './platform/http/event-streams.ts';
import { pathPrefix } from './platform/http/path-prefix.ts';
import { createHttpApp, type HttpApp } from './platform/http/server.ts';
import { createMailer, type Mailer } from './platform/mailer.ts';
import { takeNodeLease } from './platform/node-lease.ts';
import { createRateLimit } from './platform/rate-limit.ts';
import { createSecretBox, type SecretBox } from './platform/secret-box.ts';
import { startSchedule } from './platform/schedule.ts';
import { webPages } from './web.ts';

export type RunningApp = {
  /** Where it listens, e.g. `http://127.0.0.1:8080`; null for a node that serves no HTTP. */
  address: string | null;
  publicUrl: string;
  /** Set when this start created the first administrator. */
  firstStart: FirstStart | null;
  /** Ends what runs and closes everything, in the reverse order of the start. */
  stop(): Promise<void>;
};

/** What a test may replace. */
export type Overrides = {
  clock?: Clock;
  random?: () => number;
  webFolder?: string;
  /** Of the first administrator's password. */
  hashPassword?: (password: string) => Promise<string>;
};

const hourMs = 3_600_000;
/** Who changed what is asked long after what ran. */
const auditDays = 365;
const version = '0.1.0';
/** Of every request that an outgoing hook sends. */
const userAgent = `Hookline/${version}`;

/** The only place that builds long-lived objects. Throws ConfigFault when the set-up cannot work. */
export async function startApp(config: Config, log: Logger, overrides: Overrides = {}): Promise<RunningApp> {
  const clock = overrides.clock ?? systemClock;
  const closers: (() => Promise<void>)[] = [];
  let isStopping = false;
  const stop = async () => {
    isStopping = true;
    for (let close = closers.pop(); close; close = closers.pop()) await close();
  };
  try {
    const box = createSecretBox(openKeys(config));
    const connection = await connect(config, (message) => log.error(`the SQLite log: ${message}`));
    closers.push(() => connection.close());
    await migrate(connection);
    await checkKey(connection.db, box);
    const { bus, close } = await connectBus(connection, { databaseUrl: config.databaseUrl, log });
    closers.push(close);

    let publicUrl = config.publicUrl ?? `http://localhost:${config.port}`;
    const registry = createHookRegistry({
      db: connection.db,
      box,
      bus,
      clock,
      isShared: connection.dialect === 'postgres',
    });
    const writer: EventWriter = { registry, publicUrl: () => publicUrl };
    const mailer = createMailer({ url: config.smtpUrl, from: config.mailFrom, clock });
    const refusals = createRefusalCounter({ connection, clock, log });
    closers.push(() => refusals.stop());
    const { db } = connection;
    const ssh = createSshConnections({ clock, pin: (id, hostKey) => pinHostKey(db, id, hostKey) });
    closers.push(() => ssh.stop());
    const tester = createConnectionTester({ db, box, clock, ssh });
    closers.push(() => tester.stop());
    const feed = createFeed({ db, bus, clock });
    closers.push(() => feed.stop());
    const frontier = createFrontier({ connection, bus, clock });
    closers.push(() => frontier.stop());
    const parts = {
      ssh,
      tester,
      feed,
      frontier,
      config,
      log,
      clock,
      box,
      connection,
      bus,
      registry,
      writer,
      mailer,
      throttle: createThrottle(clock),
      refusals,
      unverified: createUnverifiedLimit(clock, refusals),
    };

    let address: string | null = null;
    if (config.role !== 'worker') {
      const http = createHttp(parts, { isStopping: () => isStopping, webFolder: overrides.webFolder });
      await http.listen({ host: config.host, port: config.port });
      closers.push(() => http.close());
      const bound = http.server.address();
      const port = typeof bound === 'object' && bound ? bound.port : config.port;
      address = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`;
      publicUrl = config.publicUrl ?? `http://localhost:${port}`;
    }
    // Only now, when nothing can fail any more: the password is shown once, by whoever started us.
    const first = await firstStart(
      { db: connection.db, clock, hashPassword: overrides.hashPassword ?? hashPassword },
      { email: config.adminEmail, password: config.adminPassword },
    );
    if (config.role !== 'api') closers.push(...(await startWorkers(parts, overrides.random ?? Math.random)));
    return { address, publicUrl, firstStart: first, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The long-lived objects that the routes and workers share. */
export type Parts = {
  config: Config;
  log: Logger;
  clock: Clock;
  box: SecretBox;
  connection: Connection;
  bus: Bus;
  registry: ReturnType<typeof createHookRegistry>;
  writer: EventWriter;
  mailer: Mailer;
  throttle: Throttle;
  refusals: RefusalCounter;
  unverified: UnverifiedLimit;
  ssh: SshConnections;
  tester: ConnectionTester;
  feed: Feed;
  frontier: Frontier;
};

function createHttp(
  parts: Parts,
  { isStopping, webFolder }: { isStopping: () => boolean; webFolder: string | undefined },
): HttpApp {
  const { config, log, clock, connection, writer } = parts;
  const trustProxy = config.trustProxy.length > 0 && trusts(config.trustProxy);
  const readPath = pathPrefix(config.publicUrl);
  const app = createHttpApp({ log, trustProxy, readPath, shed: createShed({ ...parts, trustProxy }) });
  refuseOtherMethods(app);
  const { publicUrl } = writer;
  guardRoutes(app, { db: connection.db, clock, limits: requestLimits(config, clock), publicUrl });
  webPages(app, { publicUrl, folder: webFolder });
  invitationPage(app, { db: connection.db, clock, throttle: parts.throttle });
  referencePage(app);
  healthRoutes(app, connection, isStopping);
  const routes: ApiRoute[] = [];
  registerApi(app, parts, routes);
  mcpRoute(app, { routes, clock, version, publicUrl });
  return app;
}

/** A minute's requests may come all at once; several people behind one address share twice as many. */
function requestLimits({ requestsPerMinute }: Config, clock: Clock): RequestLimits {
  const limit = (count: number, whose: string) =>
    createRateLimit(clock, {
      burst: count,
      perSecond: count / 60,
      message: `Too many requests from this ${whose}: ${count} a minute are allowed. Wait before the next one.`,
    });
  return { address: limit(2 * requestsPerMinute, 'address'), token: limit(requestsPerMinute, 'token') };
}

/** Everything below `/api`; `routes` is filled with what it is, once the app is ready. */
export function registerApi(app: HttpApp, parts: Parts, routes: ApiRoute[] = []): void {
  const {
    config,
    clock,
    box,
    connection,
    bus,
    registry,
    writer,
    mailer,
    throttle,
    log,
    tester,
    feed,
    frontier,
  } = parts;
  const { db } = connection;
  const { publicUrl } = writer;
  const { maxBodyBytes } = config;
  const context = { db, clock, box, bus, publicUrl, throttle, mailer, log };
  const receiver = createReceiver({ ...parts, maxBodyBytes });
  const guard = createEgressGuard(config.egressAllow ?? []);
  const client = createHttpClient({ guard, clock });
  // What is under way ends with it, so that nobody who waits for a provider holds up the end.
  app.addHook('preClose', () => client.close());
  app.register(
    async (api: HttpApp) => {
      openApiRoutes(api, { publicUrl, version, routes });
      accountRoutes(api, context);
      placeRoutes(api, context);
      memberRoutes(api, context);
      credentialRoutes(api, context);
      applicationRoutes(api, context);
      serverRoutes(api, {
        ...context,
        addDefaultPipelines: addLifecyclePipelines,
        testConnection: (serverId) => tester.testLater(serverId),
      });
      serverConnectionRoute(api, { db, clock, tester });
      resourceLinkRoutes(api, context);
      variableRoutes(api, context);
      pipelineRoutes(api, context);
      hookRoutes(api, context);
      actionRoutes(api, { db, writer, clock, bus });
      const streams = createEventStreams(api, { clock });
      actionStreamRoute(api, { db, clock, feed, streams });
      outgoingRoutes(api, context);
      incomingRoutes(api, { ...context, registry, maxBodyBytes });
      tryOutRoute(api, { ...context, registry, maxBodyBytes });
      overviewRoute(api, context);
      environmentStreamRoute(api, { db, clock, frontier, streams });
      replayRoute(api, { ...context, receiver });
      installRoutes(api, { ...context, client, userAgent });
      const tryOutContext = { ...context, writer, guard, userAgent };
      outgoingTestRoute(api, tryOutContext);
      outgoingPreviewRoutes(api, tryOutContext);
      outgoingListenRoute(api, { ...tryOutContext, frontier, streams });
      api.register(async (raw: HttpApp) => triggerRoute(raw, { receiver, clock, maxBodyBytes }));
    },
    { prefix: '/api' },
  );
}

function healthRoutes(app: HttpApp, connection: Connection, isStopping: () => boolean): void {
  // Without a limit: behind a proxy the flood of one would otherwise have the process restarted for all.
  app.get('/healthz', { config: { access: 'public', limit: 'own' } }, async () => ({ status: 'ok' }));
  app.get('/readyz', { config: { access: 'public' } }, async (_request, reply) => {
    // It still answers while what runs comes to its end, but a balancer should look elsewhere.
    if (isStopping()) return reply.status(503).send({ status: 'stopping' });
    const ready = await isMigrated(connection).catch(() => false);
    return reply.status(ready ? 200 : 503).send({ status: ready ? 'ready' : 'the database cannot be used' });
  });
}

/** Returns what ends them, in the order of their start. */
async function startWorkers(
  { config, log, clock, box, connection, bus, registry, writer, ssh, feed }: Parts,
  random: () => number,
): Promise<(() => Promise<void>)[]> {
  const lease = await takeNodeLease({ connection, clock, log });
  const guard = createEgressGuard(config.egressAllow);
  const client = createHttpClient({ guard, clock });
  const { dataDirectory } = config;
  const scripts = scriptDirectory(dataDirectory);
  const local = createLocalExecutor({
    scriptDirectory: scripts,
    clock,
    user: config.localUser,
    limits: config.localLimits,
  });
  const shared = { connection, writer, clock, box, bus, log, lease };
  const actions = startActionWorker({
    ...shared,
    guard,
    local,
    ssh,
    dataDirectory,
    installation: await installationId(connection.db),
    retentionDays: config.retentionDays,
    maxRunning: config.maxRunningActions,
    drainMs: config.drainSeconds * 1000,
    holds: lease.holds,
    onWritten: (actionId, events) => {
      feed.hand(actionId, events);
      bus.publish('stream', actionId);
    },
  });
  const deliveries = startDeliveryWorker({ ...shared, registry, client, random, userAgent });
  const recoveries = startRecoveryWorker(shared);
  const pruning = startSchedule({ everyMs: hourMs, clock, log, name: 'retention' }, async () => {
    const olderThan = clock.now() - config.retentionDays * 24 * hourMs;
    await pruneRequests(connection.db, olderThan);
    await pruneDeliveries(connection.db, olderThan);
    await pruneRuns(connection.db, olderThan);
    await pruneWorkspaces(connection.db, { dataDirectory, olderThan });
    await pruneSteps(connection.db, olderThan);
    await pruneAudit(connection.db, clock.now() - auditDays * 24 * hourMs);
  });
  return [
    async () => removeScriptDirectory(scripts),
    () => lease.stop(),
    () => client.close(),
    // Ended from the last to the first: the actions end before the deliveries, which can so still send their events.
    () => deliveries.stop(),
    () => actions.stop(),
    () => recoveries.stop(),
    () => pruning.stop(),
  ];
}
