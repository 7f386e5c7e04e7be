import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { ApiAnswer } from './api-client.ts';
import { startFakeProvider } from './fake-provider.ts';
import type { FakeHost, FakeProvider } from './fake-provider.ts';
import { createPipeline } from './fixtures.ts';
import type { InProcessApp } from './in-process-app.ts';

type Installed = {
  provider: string;
  repository: string;
  provider_hook_id: string;
  url: string;
  events: string[];
  created: boolean;
  settings_url: string;
  warnings: string[];
};
type Uninstalled = { provider: string; repository: string; removed: boolean; warnings: string[] };
type Installation = {
  provider: string;
  repository: string;
  provider_hook_id: string;
  events: string[];
  installed_at: string;
};
export type Hook = { id: string; url: string; secret: string; installation: Installation | null };
export type Refusal = { message: string };

export const accessToken = 'glpat-the-token-of-the-source-provider';

/** A repository at each provider, and a hook whose requests are accepted from there. */
export const places: Record<
  FakeHost,
  {
    repository: string;
    shown: string;
    /** As the path of its API names it. */
    stored: string;
    hook: Record<string, unknown>;
    events: { all: string[]; push: string[]; tag: string[] };
    settings: (origin: string) => string;
  }
> = {
  github: {
    repository: 'https://github.com/octocat/hello-world.git',
    shown: 'octocat/hello-world',
    stored: 'octocat/hello-world',
    hook: { requires_secret: true },
    events: { all: ['push', 'pull_request'], push: ['push'], tag: ['push'] },
    settings: (origin) => `${origin}/octocat/hello-world/settings/hooks`,
  },
  gitlab: {
    repository: 'group/sub.group/web',
    shown: 'group/sub.group/web',
    stored: 'group/sub.group/web',
    hook: { requires_secret: true, signature_scheme: 'gitlab-token' },
    events: {
      all: ['push_events', 'tag_push_events', 'merge_requests_events'],
      push: ['push_events'],
      tag: ['tag_push_events'],
    },
    settings: (origin) => `${origin}/group/sub.group/web/-/hooks`,
  },
  bitbucket: {
    repository: 'acme/web.site',
    shown: 'acme/web.site',
    stored: 'acme/web.site',
    hook: { requires_secret: true, secret_header_name: 'x-hub-signature' },
    events: {
      all: [
        'repo:push',
        'pullrequest:created',
        'pullrequest:updated',
        'pullrequest:fulfilled',
        'pullrequest:rejected',
      ],
      push: ['repo:push'],
      tag: ['repo:push'],
    },
    settings: () => 'https://bitbucket.org/acme/web.site/admin/webhooks',
  },
  'bitbucket-data-center': {
    repository: 'https://bb.example.com/scm/~jdoe/repo.git',
    shown: '~jdoe/repo',
    stored: '~jdoe/repo',
    hook: { requires_secret: true, secret_header_name: 'x-hub-signature' },
    events: {
      all: [
        'repo:refs_changed',
        'pr:opened',
        'pr:from_ref_updated',
        'pr:modified',
        'pr:merged',
        'pr:declined',
      ],
      push: ['repo:refs_changed'],
      tag: ['repo:refs_changed'],
    },
    settings: (origin) => `${origin}/plugins/servlet/webhooks/projects/~jdoe/repos/repo`,
  },
};
// Safe: the keys of the very table.
export const hosts = Object.keys(places) as FakeHost[];

/** What somebody does over and over in these tests, with an app of his own. */
export function createInstallScene(app: () => InProcessApp) {
  const path = (hook: { id: string }, verb: string) => `/hooks/incoming/${hook.id}/${verb}`;

  const scene = {
    async provider(t: TestContext, host: FakeHost): Promise<FakeProvider> {
      const provider = await startFakeProvider(host);
      t.after(async () => {
        await provider.close();
        assert.deepEqual(provider.faults, []);
      });
      return provider;
    },

    async application(
      credential: { provider_code: string; api_url?: string | undefined; active?: boolean } | null,
      repository: string,
    ): Promise<{ id: number; credential_id: number | null }> {
      const { api, environmentId } = app();
      const made =
        credential &&
        (await api.post<{ id: number }>(`/environments/${environmentId}/credentials`, {
          name: `credential-${randomUUID().slice(0, 8)}`,
          provider_code: credential.provider_code,
          active: credential.active ?? true,
          settings: {
            access_token: accessToken,
            ...(credential.api_url === undefined ? {} : { api_url: credential.api_url }),
          },
        }));
      const { id } = await api.post<{ id: number }>(`/environments/${environmentId}/applications`, {
        name: `app-${randomUUID().slice(0, 8)}`,
        repository,
        credential_id: made?.id ?? null,
      });
      return { id, credential_id: made?.id ?? null };
    },

    async hookOf(application: { id: number }, fields: Record<string, unknown>): Promise<Hook> {
      const pipelineId = await createPipeline(app(), application);
      const hook = await app().api.post<Hook>(`/pipelines/${pipelineId}/hooks/incoming`, {
        name: 'in',
        ...fields,
      });
      return hook;
    },

    /** A hook of a repository at the provider. */
    async hook(
      provider: FakeProvider,
      host: FakeHost,
      fields: Record<string, unknown> = places[host].hook,
    ): Promise<Hook> {
      const credential = { provider_code: provider.provider, api_url: provider.apiUrl };
      return await scene.hookOf(await scene.application(credential, places[host].repository), fields);
    },

    install: (hook: Hook, body?: object): Promise<Installed> =>
      app().api.post<Installed>(path(hook, 'install'), body),
    uninstall: (hook: Hook): Promise<Uninstalled> => app().api.post<Uninstalled>(path(hook, 'uninstall')),
    attempt: (hook: Hook, body?: object, verb = 'install'): Promise<ApiAnswer<Refusal>> =>
      app().api.request<Refusal>('POST', path(hook, verb), body),
    installationOf: async (hook: Hook): Promise<Installation | null> =>
      (await app().api.get<Hook>(`/hooks/incoming/${hook.id}`)).installation,

    async refused(hook: Hook, status: number, message: RegExp, verb = 'install'): Promise<void> {
      const answer = await scene.attempt(hook, undefined, verb);
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      assert.match(answer.body.message, message);
    },
  };
  return scene;
}
