import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { mustAlsoHave } from '../../accounts/access.ts';
import { audited } from '../../accounts/audit.ts';
import { eventsOf, forgetInstallation, saveInstallation } from '../../hooks/installations.ts';
import { findHook, lockHook, type HookRow } from '../../hooks/store.ts';
import { permissionToRun } from '../../pipelines/lifecycle.ts';
import type { SecretBox } from '../../platform/secret-box.ts';
import { notFound } from '../../platform/errors.ts';
import { Nullable, OneOf, uuidParam } from '../../platform/http/schemas.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { install, uninstall, type InstallContext } from './install.ts';
import { eventWords } from './provider-hooks.ts';

const InstalledHook = Type.Object(
  {
    provider: Type.String(),
    repository: Type.String(),
    provider_hook_id: Type.String({ description: 'The id of the webhook at the provider.' }),
    url: Type.String({ description: 'Where the provider sends to: the address of the hook.' }),
    events: Type.Array(Type.String(), { description: 'In the words of the provider.' }),
    created: Type.Boolean({ description: 'False when it was there and was brought up to date.' }),
    settings_url: Type.String({
      description: 'The page of the provider with the webhooks of the repository.',
    }),
    warnings: Type.Array(Type.String(), { description: 'What may keep requests from arriving.' }),
  },
  { title: 'InstalledHook' },
);

const UninstalledHook = Type.Object(
  {
    provider: Type.String(),
    repository: Type.String(),
    removed: Type.Boolean({ description: 'False when there was none.' }),
    settings_url: InstalledHook.properties.settings_url,
    warnings: Type.Array(Type.String(), { description: 'What is left to be done.' }),
  },
  { title: 'UninstalledHook' },
);

const errors = {
  409: 'The hook, its application, its credential or the provider does not allow it; the message says what to do.',
  429: 'The provider, or Hookline, takes no more requests for now.',
  503: 'The provider cannot be asked now. Nothing was kept; try again after `Retry-After`.',
};

/** Registering an incoming hook at the git host, and taking it away there. */
export function installRoutes(app: HttpApp, context: InstallContext): void {
  const { db, box } = context;
  const hookFor = async (request: FastifyRequest, uuid: string): Promise<HookRow> => {
    const hook = await findHook(db, uuid);
    if (hook?.direction !== 'in') throw notFound('The incoming hook');
    // As for its creation: a hook that the provider calls runs what it runs.
    if (hook.resource_type === 'application') mustAlsoHave(request, 'application:read');
    const needed = permissionToRun({ resourceType: hook.resource_type, operation: hook.action_type });
    if (needed) mustAlsoHave(request, needed);
    return hook;
  };

  app.route({
    method: 'POST',
    url: '/hooks/incoming/:hook_id/install',
    config: { access: { permission: 'hook:update', on: 'hook', param: 'hook_id' }, errors },
    schema: {
      operationId: 'installIncomingHook',
      summary: "Register an incoming hook at the provider of its application's repository",
      description:
        "Creates the webhook of the repository with the hook's address and secret, or brings the one that is there up to date, so that it can be called as often as one likes: after `rotate-secret`, for other events, after a change of `HOOKLINE_URL`. The token of the application's credential must be allowed to manage webhooks. The permission `application:read` is needed too.",
      params: uuidParam('hook_id'),
      body: Nullable(
        Type.Object(
          {
            events: Type.Optional(
              Type.Array(OneOf(eventWords), {
                minItems: 1,
                maxItems: eventWords.length,
                uniqueItems: true,
                description:
                  'If left out those of its preset; without one those that it is installed with, at first all.',
              }),
            ),
          },
          { title: 'HookInstallationRequest' },
        ),
      ),
      response: { 200: InstalledHook },
    },
    handler: async (request) => {
      const hook = await hookFor(request, request.params.hook_id);
      // Asked before the transaction: nothing is locked while the provider takes its time.
      const { installation, created, url, settingsUrl, warnings, undo } = await install(context, hook, {
        events: request.body?.events,
      });
      const now = await audited(context, request, asObject(hook), async (trx) => {
        const locked = await lockHook(trx, hook.id);
        if (locked) await saveInstallation(trx, installation);
        else throw notFound('The incoming hook');
        return locked;
      }).catch(async (error: unknown) => {
        if (!(await findHook(db, hook.uuid))) await undo();
        throw error;
      });
      if (secretOf(box, now) !== secretOf(box, hook))
        warnings.push('The secret of the hook was changed meanwhile: install it again.');
      return {
        provider: installation.provider,
        repository: installation.repository,
        provider_hook_id: installation.provider_hook_id,
        url,
        events: eventsOf(installation),
        created,
        settings_url: settingsUrl,
        warnings,
      };
    },
  });

  app.route({
    method: 'POST',
    url: '/hooks/incoming/:hook_id/uninstall',
    config: { access: { permission: 'hook:update', on: 'hook', param: 'hook_id' }, errors },
    schema: {
      operationId: 'uninstallIncomingHook',
      summary: 'Take an incoming hook away at the provider; here it stays',
      description:
        'Deletes every webhook of the repository that leads to the hook, also one that was not made by `install`. Doing it twice does no harm.',
      params: uuidParam('hook_id'),
      response: { 200: UninstalledHook },
    },
    handler: async (request) => {
      const hook = await hookFor(request, request.params.hook_id);
      const { settingsUrl, ...done } = await uninstall(context, hook);
      await audited(context, request, asObject(hook), (trx) => forgetInstallation(trx, hook.id));
      return { ...done, settings_url: settingsUrl };
    },
  });
}

function secretOf(box: SecretBox, { secret_sealed }: HookRow): string | null {
  return secret_sealed === null ? null : box.open(secret_sealed, 'hook secret');
}

function asObject({ uuid, name }: HookRow) {
  return { type: 'hook' as const, id: uuid, name };
}
