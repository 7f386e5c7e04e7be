import { Type } from 'typebox';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { AppError, notFound } from '../platform/errors.ts';
import { onePage, PageQuery } from '../platform/http/pagination.ts';
import { idParam, noContent, OneOf, uuidParam } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { principalOf } from './access.ts';
import { changeAccount, emailRules, mostPasswordCharacters } from './change-account.ts';
import { cookieSessionSeconds, type Principal } from './authenticate.ts';
import { beginCookieSession, login, refresh } from './login.ts';
import {
  createPersonalAccessToken,
  ownToken,
  revokePersonalAccessToken,
  rotatePersonalAccessToken,
} from './personal-access-tokens.ts';
import {
  languages,
  PersonalAccessToken,
  PersonalAccessTokenRelation,
  presentPersonalAccessToken,
  presentUser,
  UserMe,
} from './present.ts';
import { mustNotBeCrossSite, sessionCookie } from './session-cookie.ts';
import { deleteSession, findUser, listPersonalAccessTokens, type UserRow } from './store.ts';
import type { Throttle } from './throttle.ts';
import { Expiry } from './tokens.ts';

const Tokens = Type.Object(
  {
    token_type: Type.String(),
    expires_in: Type.Integer({ description: 'Seconds.' }),
    access_token: Type.String(),
    refresh_token: Type.String(),
  },
  { title: 'Tokens' },
);
const password = Type.String({ minLength: 1, maxLength: mostPasswordCharacters });
const UserLogin = Type.Object(
  { email: Type.String({ minLength: 1, maxLength: 320 }), password },
  { title: 'UserLogin' },
);
const UserRefreshToken = Type.Object(
  { refresh_token: Type.String({ maxLength: 200 }) },
  { title: 'UserRefreshToken' },
);
const UserUpdate = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 3, maxLength: 255 })),
    email: Type.Optional(Type.String(emailRules)),
    language: Type.Optional(OneOf(languages)),
    password: Type.Optional(Type.String({ minLength: 8, maxLength: mostPasswordCharacters })),
    current_password: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: mostPasswordCharacters,
        description: 'Required with a new e-mail address or password.',
      }),
    ),
  },
  { title: 'UserUpdate' },
);
const PersonalAccessTokenCreate = Type.Object(
  { name: Type.String({ minLength: 1, maxLength: 60 }), expires_at: Expiry },
  { title: 'PersonalAccessTokenCreate' },
);
const PersonalAccessTokenRotate = Type.Object({ expires_at: Expiry }, { title: 'PersonalAccessTokenRotate' });

export function accountRoutes(
  app: HttpApp,
  context: { db: Db; clock: Clock; throttle: Throttle; publicUrl: () => string },
): void {
  const { db, clock } = context;
  const cookieOf = (token: string | null) =>
    sessionCookie(context.publicUrl(), { token, maxAgeSeconds: cookieSessionSeconds });
  const signedIn = async (userId: number): Promise<UserRow> => {
    const user = await findUser(db, userId);
    if (!user) throw new AppError('unauthenticated', 'This account no longer exists.');
    return user;
  };
  const endSession = async ({ via, tokenId }: Principal): Promise<void> => {
    if (via === 'session') await deleteSession(db, Number(tokenId));
  };

  app.route({
    method: 'POST',
    url: '/users/login',
    config: { access: 'public', errors: { 401: 'The e-mail or the password is wrong.' } },
    schema: {
      operationId: 'loginUser',
      summary: 'Sign in with e-mail and password',
      description:
        'Attempts are limited per address and per account. A wrong e-mail and a wrong password are told alike.',
      body: UserLogin,
      response: { 200: Tokens },
    },
    handler: (request) => login(context, { ...request.body, ipAddress: request.ip }),
  });

  app.route({
    method: 'POST',
    url: '/users/refresh-token',
    config: { access: 'public', errors: { 401: 'The refresh token is not known or has expired.' } },
    schema: {
      operationId: 'refreshTokenUser',
      summary: 'Exchange a refresh token for new tokens',
      description: 'A refresh token serves once, and ends the access token that came with it.',
      body: UserRefreshToken,
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
      description: 'A personal access token is left as it is; revoke it instead.',
      response: noContent,
    },
    handler: async (request, reply) => {
      await endSession(principalOf(request));
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'POST',
    url: '/session',
    config: {
      access: 'public',
      errors: {
        401: 'The e-mail or the password is wrong.',
        403: 'The request comes from a page of another origin.',
      },
    },
    schema: {
      operationId: 'addSession',
      summary: 'Sign in a browser, by a cookie',
      description:
        'For the dashboard; programs use `POST /users/login`. The cookie `hookline_session` is out of reach of scripts and counts where no `Authorization` is sent. A call that is neither GET nor HEAD must then carry the header `x-hookline-csrf: 1`. The session ends when it was not used for 30 days. Attempts are limited as those of `POST /users/login`, and with them.',
      body: UserLogin,
      response: { 200: UserMe },
    },
    handler: async (request, reply) => {
      mustNotBeCrossSite(request.headers);
      const { user, token } = await beginCookieSession(context, { ...request.body, ipAddress: request.ip });
      reply.header('set-cookie', cookieOf(token)).header('cache-control', 'no-store');
      return { ...presentUser(user), social_accounts: [] };
    },
  });

  app.route({
    method: 'DELETE',
    url: '/session',
    config: { access: 'user' },
    schema: {
      operationId: 'deleteSession',
      summary: 'Sign out a browser',
      description:
        'Ends the session and has the browser forget its cookie. A personal access token is left as it is.',
      response: noContent,
    },
    handler: async (request, reply) => {
      await endSession(principalOf(request));
      return reply.status(204).header('set-cookie', cookieOf(null)).send(null);
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
    method: 'PUT',
    url: '/users/:user_id',
    config: { access: 'user' },
    schema: {
      operationId: 'updateUser',
      summary: 'Change your own account',
      description:
        'A new e-mail address or password needs the current password, and ends every other session of the account.',
      params: idParam('user_id'),
      body: UserUpdate,
      response: noContent,
    },
    handler: async (request, reply) => {
      const principal = principalOf(request);
      if (request.params.user_id !== principal.userId) throw notFound('The user');
      const { body, ip } = request;
      await changeAccount(context, principal, { ...body, ipAddress: ip });
      return reply.status(204).send(null);
    },
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
      const rows = await onePage(request, reply, (page) => listPersonalAccessTokens(db, user.id, page));
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
      description: 'It may do whatever you may do, until it expires or is revoked.',
      body: PersonalAccessTokenCreate,
      response: { 201: PersonalAccessToken },
    },
    handler: async (request, reply) => {
      const user = await signedIn(principalOf(request).userId);
      const input = { userId: user.id, name: request.body.name, expiresAt: request.body.expires_at };
      const { row, token } = await createPersonalAccessToken(context, input);
      return reply.status(201).send({ ...presentPersonalAccessToken(row, user, clock.now()), token });
    },
  });

  const params = uuidParam('personal_access_token_id');

  app.route({
    method: 'GET',
    url: '/users/personal-access-tokens/:personal_access_token_id',
    config: { access: 'user' },
    schema: {
      operationId: 'getUserPersonalAccessToken',
      summary: 'Read one of your personal access tokens',
      params,
      response: { 200: PersonalAccessToken },
    },
    handler: async (request) => {
      const user = await signedIn(principalOf(request).userId);
      const row = await ownToken(db, { userId: user.id, id: request.params.personal_access_token_id });
      return { ...presentPersonalAccessToken(row, user, clock.now()), token: null };
    },
  });

  app.route({
    method: 'POST',
    url: '/users/personal-access-tokens/:personal_access_token_id/rotate',
    config: { access: 'user' },
    schema: {
      operationId: 'rotateUserPersonalAccessToken',
      summary: 'Replace the text of a personal access token',
      description: 'The old text stops working at once. A revoked token is not brought back.',
      params,
      body: PersonalAccessTokenRotate,
      response: { 200: PersonalAccessToken },
    },
    handler: async (request) => {
      const user = await signedIn(principalOf(request).userId);
      const id = request.params.personal_access_token_id;
      const input = { userId: user.id, id, expiresAt: request.body.expires_at };
      const { row, token } = await rotatePersonalAccessToken(context, input);
      return { ...presentPersonalAccessToken(row, user, clock.now()), token };
    },
  });

  app.route({
    method: 'DELETE',
    url: '/users/personal-access-tokens/:personal_access_token_id/revoke',
    config: { access: 'user' },
    schema: {
      operationId: 'revokeUserPersonalAccessToken',
      summary: 'Revoke a personal access token, for good',
      description: 'It stops working at once. Its record stays.',
      params,
      response: noContent,
    },
    handler: async (request, reply) => {
      const id = request.params.personal_access_token_id;
      await revokePersonalAccessToken(context, { userId: principalOf(request).userId, id });
      return reply.status(204).send(null);
    },
  });
}
