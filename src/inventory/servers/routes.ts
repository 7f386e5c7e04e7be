import { Type } from 'typebox';
import { principalOf, scopeOf, type Access } from '../../accounts/access.ts';
import { audited } from '../../accounts/audit.ts';
import { usersById } from '../../accounts/present.ts';
import type { Bus } from '../../platform/bus.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Db, Trx } from '../../platform/database/connect.ts';
import { orTaken } from '../../platform/database/errors.ts';
import { invalid, notFound } from '../../platform/errors.ts';
import { onePage, PageQuery } from '../../platform/http/pagination.ts';
import { idParam, noContent, Nullable } from '../../platform/http/schemas.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import type { SecretBox } from '../../platform/secret-box.ts';
import { readHostKey } from '../../platform/ssh-host-key.ts';
import { keyPair } from './key-pair.ts';
import { usersOfPlaces } from '../places/present.ts';
import { findPlace } from '../places/store.ts';
import { presentServer, presentServerRelation, Server, ServerRelation } from './present.ts';
import {
  deleteServer,
  findServer,
  insertServer,
  listServers,
  updateServer,
  type ServerRow,
} from './store.ts';

const taken = 'is the name of another server of this environment';
const hostname = Type.String({ pattern: '^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$' });
const connection = {
  ip_address: Type.Optional(Nullable(Type.String({ maxLength: 45, pattern: '^[0-9a-fA-F.:]+$' }))),
  ssh_port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
  ssh_user: Type.Optional(Type.String({ pattern: '^[a-z_][a-z0-9_-]{0,31}$' })),
  ssh_private_key: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 16_384,
      description: 'In PEM or OpenSSH form, without a passphrase. It is stored encrypted and never shown.',
    }),
  ),
  ssh_host_key: Type.Optional(
    Nullable(
      Type.String({
        maxLength: 8192,
        description:
          'Type and key as in `known_hosts`. If left out, the key of the first connection that succeeds; null forgets it.',
      }),
    ),
  ),
  max_parallel_actions: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 10, description: '0 means no limit.' }),
  ),
};
const CreateBody = Type.Object(
  {
    hostname,
    ...connection,
    provision_input: Type.Optional(
      Type.Object(
        { cloud_service_code: Type.Optional(Type.String()) },
        { description: 'Taken for the sake of existing clients; it changes nothing.' },
      ),
    ),
  },
  { title: 'ServerCreate' },
);
const UpdateBody = Type.Object(
  { hostname: Type.Optional(hostname), ...connection },
  { title: 'ServerUpdate' },
);

export function serverRoutes(
  app: HttpApp,
  context: {
    db: Db;
    clock: Clock;
    box: SecretBox;
    bus: Bus;
    /** Gives a new server the pipelines that each one has; they belong to a room above this one. */
    addDefaultPipelines: (trx: Trx, server: ServerRow) => Promise<void>;
    /** Finds out whether it can be signed in at; nobody waits for it. Also from above. */
    testConnection: (serverId: number) => void;
  },
): void {
  const { db, clock, box, bus } = context;
  const present = async (row: ServerRow) => {
    const place = await findPlace(db, row.environment_id);
    const users = await usersById(db, [row.created_by, ...usersOfPlaces(place ? [place] : [])]);
    return presentServer(row, { place, users });
  };

  app.route({
    method: 'POST',
    url: '/environments/:environment_id/servers',
    config: { access: { permission: 'server:create', on: 'environment', param: 'environment_id' } },
    schema: {
      operationId: 'addEnvironmentServer',
      summary: 'Add a server; without a key a pair is made and its public half shown',
      description:
        'Every server begins with pipelines for start, stop, restart and get-status. Change their steps to what fits the machine.',
      params: idParam('environment_id'),
      body: CreateBody,
      response: { 201: Server },
    },
    handler: async (request, reply) => {
      const { body } = request;
      const pair = keyPair(body.ssh_private_key, `hookline-${body.hostname}`);
      const now = clock.now();
      const row = await audited(context, request, asObject, async (trx) => {
        const inserted = await insertServer(trx, {
          environment_id: scopeOf(request).environmentId,
          hostname: body.hostname,
          ip_address: body.ip_address ?? null,
          ssh_port: body.ssh_port ?? 22,
          ssh_user: body.ssh_user ?? 'root',
          public_key: pair.publicKey,
          private_key_sealed: box.seal(pair.privateKey, 'server key'),
          max_parallel_actions: body.max_parallel_actions ?? 0,
          provision_input: null,
          host_key: body.ssh_host_key ? hostKeyOf(body.ssh_host_key) : null,
          connection_status: null,
          connection_message: null,
          connection_checked_at: null,
          created_by: principalOf(request).userId,
          created_at: now,
          updated_at: now,
        });
        if (!inserted) throw invalid([{ field: 'hostname', message: taken }]);
        await context.addDefaultPipelines(trx, inserted);
        return inserted;
      });
      bus.publish('definitions');
      context.testConnection(row.id);
      return reply.status(201).send(await present(row));
    },
  });

  app.route({
    method: 'GET',
    url: '/environments/:environment_id/servers',
    config: { access: { permission: 'server:read', on: 'environment', param: 'environment_id' } },
    schema: {
      operationId: 'listEnvironmentServers',
      summary: 'List the servers of an environment',
      params: idParam('environment_id'),
      querystring: PageQuery,
      response: { 200: Type.Array(ServerRelation) },
    },
    handler: async (request, reply) => {
      const { environmentId } = scopeOf(request);
      const rows = await onePage(request, reply, (page) => listServers(db, environmentId, page));
      return rows.map(presentServerRelation);
    },
  });

  const params = idParam('server_id');
  const needs = (permission: 'server:read' | 'server:update' | 'server:delete') => ({
    access: { permission, on: 'server', param: 'server_id' } satisfies Access,
  });
  const existing = async (id: number): Promise<ServerRow> => {
    const row = await findServer(db, id);
    if (!row) throw notFound('The server');
    return row;
  };

  app.route({
    method: 'GET',
    url: '/servers/:server_id',
    config: needs('server:read'),
    schema: { operationId: 'getServer', summary: 'Read a server', params, response: { 200: Server } },
    handler: async (request) => present(await existing(request.params.server_id)),
  });

  app.route({
    method: 'PUT',
    url: '/servers/:server_id',
    config: needs('server:update'),
    schema: {
      operationId: 'updateServer',
      summary: 'Change a server; fields that are left out are kept, the key too',
      params,
      body: UpdateBody,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.server_id);
      const { body } = request;
      const name = body.hostname ?? row.hostname;
      const pair = body.ssh_private_key ? keyPair(body.ssh_private_key, `hookline-${name}`) : null;
      const { hostname: newName, ip_address, ssh_port, ssh_user, ssh_host_key, max_parallel_actions } = body;
      const isElsewhere =
        differs(newName, row.hostname) ||
        differs(ip_address, row.ip_address) ||
        differs(ssh_port, row.ssh_port);
      // A host key belongs to an address, as in `known_hosts`.
      const hostKey = ssh_host_key === undefined && isElsewhere ? null : ssh_host_key;
      const isToTest = hostKey !== undefined || pair !== null || differs(ssh_user, row.ssh_user);
      // What is left out is not written: somebody else may be changing it at this very moment.
      const change = audited(context, request, { ...asObject(row), name }, (trx) =>
        updateServer(trx, row.id, {
          ...(newName === undefined ? {} : { hostname: newName }),
          ...(ip_address === undefined ? {} : { ip_address }),
          ...(ssh_port === undefined ? {} : { ssh_port }),
          ...(ssh_user === undefined ? {} : { ssh_user }),
          ...(max_parallel_actions === undefined ? {} : { max_parallel_actions }),
          ...(hostKey === undefined ? {} : { host_key: hostKey && hostKeyOf(hostKey) }),
          ...(isToTest
            ? { connection_status: null, connection_message: null, connection_checked_at: null }
            : {}),
          ...(pair
            ? { public_key: pair.publicKey, private_key_sealed: box.seal(pair.privateKey, 'server key') }
            : {}),
          updated_at: clock.now(),
        }),
      );
      await orTaken('hostname', taken, change);
      if (isToTest) context.testConnection(row.id);
      bus.publish('definitions');
      bus.publish('actions');
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'DELETE',
    url: '/servers/:server_id',
    config: needs('server:delete'),
    schema: {
      operationId: 'deleteServer',
      summary: 'Delete a server with its variables, pipelines and hooks',
      description:
        'The machine itself is left alone. The records of what ran stay until retention removes them.',
      params,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.server_id);
      await audited(context, request, asObject(row), (trx) => deleteServer(trx, row.id));
      bus.publish('definitions');
      return reply.status(204).send(null);
    },
  });
}

/** Throws `invalid` when it is none. */
function hostKeyOf(given: string): string {
  const key = readHostKey(given);
  if (key !== null) return key;
  const message =
    'must be the type and the key as in known_hosts, e.g. "ssh-ed25519 AAAAC3…"; ssh-keyscan prints them';
  throw invalid([{ field: 'ssh_host_key', message }]);
}

function differs<Value>(given: Value | undefined, now: Value): boolean {
  return given !== undefined && given !== now;
}

function asObject({ id, hostname: name }: ServerRow) {
  return { type: 'server' as const, id, name };
}
