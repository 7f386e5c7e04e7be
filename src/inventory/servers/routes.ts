import { Type } from 'typebox';
import { principalOf, scopeOf, type Access } from '../../accounts/access.ts';
import type { Bus } from '../../platform/bus.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Db } from '../../platform/database/connect.ts';
import { orTaken } from '../../platform/database/errors.ts';
import { invalid, notFound } from '../../platform/errors.ts';
import { linkPages, PageQuery, readPage } from '../../platform/http/pagination.ts';
import { idParam } from '../../platform/http/schemas.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import type { SecretBox } from '../../platform/secret-box.ts';
import { keyPair } from './key-pair.ts';
import { presentServer, Server } from './present.ts';
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
  ip_address: Type.Optional(Type.String({ maxLength: 45, pattern: '^[0-9a-fA-F.:]+$' })),
  ssh_port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
  ssh_user: Type.Optional(Type.String({ pattern: '^[a-z_][a-z0-9_-]{0,31}$' })),
  ssh_private_key: Type.Optional(Type.String({ minLength: 1, maxLength: 16_384 })),
  max_parallel_actions: Type.Optional(Type.Integer({ minimum: 0, maximum: 10 })),
};
const CreateBody = Type.Object({
  hostname,
  ...connection,
  provision_input: Type.Optional(Type.Object({ cloud_service_code: Type.Optional(Type.String()) })),
});
const UpdateBody = Type.Object({ hostname: Type.Optional(hostname), ...connection });

export function serverRoutes(
  app: HttpApp,
  { db, clock, box, bus }: { db: Db; clock: Clock; box: SecretBox; bus: Bus },
): void {
  app.route({
    method: 'POST',
    url: '/environments/:environment_id/servers',
    config: { access: { permission: 'server:create', on: 'environment', param: 'environment_id' } },
    schema: {
      operationId: 'addEnvironmentServer',
      summary: 'Add a server; without a key a pair is made and its public half shown',
      params: idParam('environment_id'),
      body: CreateBody,
      response: { 201: Server },
    },
    handler: async (request, reply) => {
      const { body } = request;
      const pair = keyPair(body.ssh_private_key, `hookline-${body.hostname}`);
      const now = clock.now();
      const row = await insertServer(db, {
        environment_id: scopeOf(request).environmentId,
        hostname: body.hostname,
        ip_address: body.ip_address ?? null,
        ssh_port: body.ssh_port ?? 22,
        ssh_user: body.ssh_user ?? 'root',
        public_key: pair.publicKey,
        private_key_sealed: box.seal(pair.privateKey, 'server key'),
        max_parallel_actions: body.max_parallel_actions ?? 0,
        provision_input: null,
        created_by: principalOf(request).userId,
        created_at: now,
        updated_at: now,
      });
      if (!row) throw invalid([{ field: 'hostname', message: taken }]);
      return reply.status(201).send(presentServer(row));
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
      response: { 200: Type.Array(Server) },
    },
    handler: async (request, reply) => {
      const page = readPage(request.query);
      const { rows, total } = await listServers(db, scopeOf(request).environmentId, page);
      linkPages(request, reply, page, total);
      return rows.map(presentServer);
    },
  });

  const params = idParam('server_id');
  const needs = (permission: 'server:read' | 'server:update' | 'server:delete') => ({
    access: { permission, on: 'server', param: 'server_id' } satisfies Access,
  });
  const existing = async (id: string): Promise<ServerRow> => {
    const row = await findServer(db, Number(id));
    if (!row) throw notFound('The server');
    return row;
  };

  app.route({
    method: 'GET',
    url: '/servers/:server_id',
    config: needs('server:read'),
    schema: { operationId: 'getServer', summary: 'Read a server', params, response: { 200: Server } },
    handler: async (request) => presentServer(await existing(request.params.server_id)),
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
      response: { 204: Type.Null() },
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.server_id);
      const { body } = request;
      const name = body.hostname ?? row.hostname;
      const pair = body.ssh_private_key ? keyPair(body.ssh_private_key, `hookline-${name}`) : null;
      const change = updateServer(db, row.id, {
        hostname: name,
        ip_address: body.ip_address ?? row.ip_address,
        ssh_port: body.ssh_port ?? row.ssh_port,
        ssh_user: body.ssh_user ?? row.ssh_user,
        max_parallel_actions: body.max_parallel_actions ?? row.max_parallel_actions,
        ...(pair
          ? { public_key: pair.publicKey, private_key_sealed: box.seal(pair.privateKey, 'server key') }
          : {}),
        updated_at: clock.now(),
      });
      await orTaken('hostname', taken, change);
      bus.publish('definitions');
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
      params,
      response: { 204: Type.Null() },
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.server_id);
      await deleteServer(db, row.id);
      bus.publish('definitions');
      return reply.status(204).send(null);
    },
  });
}
