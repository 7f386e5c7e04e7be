import { Type } from 'typebox';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { AppError } from '../platform/errors.ts';
import { linkPages, PageQuery, readPage } from '../platform/http/pagination.ts';
import { idParam } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { principalOf } from './access.ts';
import { login, refresh } from './login.ts';
import {
  createPersonalAccessToken,
  ownToken,
  revokePersonalAccessToken,
  rotatePersonalAccessToken,
} from './personal-access-tokens.ts';
import {
  PersonalAccessToken,
  PersonalAccessTokenRelation,
  presentPersonalAccessToken,
  presentUser,
  UserMe,
} from './present.ts';
import { deleteSession, findUser, listPersonalAccessTokens, type UserRow } from './store.ts';
import { createThrottle } from './throttle.ts';

const Tokens = Type.Object({
  token_type: Type.String(),
  expires_in: Type.Integer({ description: 'Seconds.' }),
  access_token: Type.String(),
  refresh_token: Type.String(),
});
const expires_at = Type.String({ description: 'ISO 8601.', maxLength: 40 });

export function accountRoutes(app: HttpApp, context: { db: Db; clock: Clock }): void {
  const { db, clock } = context;
  const throttle = createThrottle(clock);
  const signedIn = async (userId: number): Promise<UserRow> => {
    const user = await findUser(db, userId);
    if (!user) throw new AppError('unauthenticated', 'This account no longer exists.');
    return user;
  };

  app.route({
    method: 'POST',
    url: '/users/login',
    config: { access: 'public', errors: { 401: 'The e-mail or the password is wrong.' } },
    schema: {
      operationId: 'loginUser',
      summary: 'Sign in with e-mail and password',
      body: Type.Object({
        email: Type.String({ minLength: 1, maxLength: 320 }),
        password: Type.String({ minLength: 1, maxLength: 1024 }),
      }),
      response: { 200: Tokens },
    },
    handler: (request) => login({ ...context, throttle }, { ...request.body, ipAddress: request.ip }),
  });

  app.route({
    method: 'POST',
    url: '/users/refresh-token',
    config: { access: 'public', errors: { 401: 'The refresh token is not known or has expired.' } },
    schema: {
      operationId: 'refreshTokenUser',
      summary: 'Exchange a refresh token for new tokens',
      body: Type.Object({ refresh_token: Type.String({ maxLength: 200 }) }),
      response: { 200: Tokens },
    },
    handler: (request) => refresh(context, request.body.refresh_token),
  });

  app.route({
    method: 'GET',
    url: '/users/logout',
    config: { access: 'user' },
    schema: {
      operationId: 'getUserLogout',
      summary: 'End the session whose token is sent',
      response: { 204: Type.Null() },
    },
    handler: async (request, reply) => {
      const principal = principalOf(request);
      if (principal.via === 'session') await deleteSession(db, Number(principal.tokenId));
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'GET',
    url: '/users/me',
    config: { access: 'user' },
    schema: { operationId: 'getUserMe', summary: 'The account that is signed in', response: { 200: UserMe } },
    handler: async (request) => ({
      ...presentUser(await signedIn(principalOf(request).userId)),
      social_accounts: [],
    }),
  });

  app.route({
    method: 'GET',
    url: '/users/personal-access-tokens',
    config: { access: 'user' },
    schema: {
      operationId: 'listUserPersonalAccessTokens',
      summary: 'List your personal access tokens',
      querystring: PageQuery,
      response: { 200: Type.Array(PersonalAccessTokenRelation) },
    },
    handler: async (request, reply) => {
      const user = await signedIn(principalOf(request).userId);
      const page = readPage(request.query);
      const { rows, total } = await listPersonalAccessTokens(db, user.id, page);
      linkPages(request, reply, page, total);
      return rows.map((row) => presentPersonalAccessToken(row, user, clock.now()));
    },
  });

  app.route({
    method: 'POST',
    url: '/users/personal-access-tokens',
    config: { access: 'user' },
    schema: {
      operationId: 'addUserPersonalAccessToken',
      summary: 'Create a personal access token; its text is shown this once',
      body: Type.Object({ name: Type.String({ minLength: 1, maxLength: 60 }), expires_at }),
      response: { 201: PersonalAccessToken },
    },
    handler: async (request, reply) => {
      const user = await signedIn(principalOf(request).userId);
      const input = { userId: user.id, name: request.body.name, expiresAt: request.body.expires_at };
      const { row, token } = await createPersonalAccessToken(context, input);
      return reply.status(201).send({ ...presentPersonalAccessToken(row, user, clock.now()), token });
    },
  });

  app.route({
    method: 'GET',
    url: '/users/personal-access-tokens/:token_id',
    config: { access: 'user' },
    schema: {
      operationId: 'getUserPersonalAccessToken',
      summary: 'Read one of your personal access tokens',
      params: idParam('token_id'),
      response: { 200: PersonalAccessToken },
    },
    handler: async (request) => {
      const user = await signedIn(principalOf(request).userId);
      const row = await ownToken(db, { userId: user.id, id: request.params.token_id });
      return { ...presentPersonalAccessToken(row, user, clock.now()), token: null };
    },
  });

  app.route({
    method: 'POST',
    url: '/users/personal-access-tokens/:token_id/rotate',
    config: { access: 'user' },
    schema: {
      operationId: 'rotateUserPersonalAccessToken',
      summary: 'Replace the text of a personal access token',
      params: idParam('token_id'),
      body: Type.Object({ expires_at }),
      response: { 200: PersonalAccessToken },
    },
    handler: async (request) => {
      const user = await signedIn(principalOf(request).userId);
      const input = { userId: user.id, id: request.params.token_id, expiresAt: request.body.expires_at };
      const { row, token } = await rotatePersonalAccessToken(context, input);
      return { ...presentPersonalAccessToken(row, user, clock.now()), token };
    },
  });

  app.route({
    method: 'DELETE',
    url: '/users/personal-access-tokens/:token_id/revoke',
    config: { access: 'user' },
    schema: {
      operationId: 'revokeUserPersonalAccessToken',
      summary: 'Revoke a personal access token, for good',
      params: idParam('token_id'),
      response: { 204: Type.Null() },
    },
    handler: async (request, reply) => {
      await revokePersonalAccessToken(context, {
        userId: principalOf(request).userId,
        id: request.params.token_id,
      });
      return reply.status(204).send(null);
    },
  });
}
