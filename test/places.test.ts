import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { permissions, permissionsOf } from '../src/accounts/permissions.ts';
import type { ApiAnswer, ApiClient } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { createApplication, openWorkplace } from './support/fixtures.ts';
import type { Workplace } from './support/fixtures.ts';
import { addPerson, createOrganization } from './support/people.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';

type Faults = { message: string; errors: { field: string; message: string }[] | null };
type User = { id: number; email: string };
type Named = { id: number; name: string };
type Organization = Named & { url_slug: string; owner: User | null; current_user_permissions: string[] };
type Project = Named & {
  user_id: number;
  organization: { id: number; owner: User | null } | null;
  created_by_user: User | null;
  current_user_permissions: string[];
};
type Environment = Named & {
  type: string;
  description: string | null;
  created_by_user: User | null;
  teams: Named[];
  current_user_permissions: string[];
};
type EnvironmentRelation = Named & { type: string; project: Project | null };

const admin = 'admin@example.com';
const viewerPermissions = permissionsOf({ key: 'viewer', permissions: null }).toSorted();

for (const kind of databaseKinds) {
  describe(`organizations, projects and environments on ${kind}`, () => {
    let database: TestDatabase;
    let server: TestServer;
    let workplace: Workplace;
    let api: ApiClient;

    before(async () => {
      database = await createTestDatabase(kind);
      server = await startServer({ database });
      workplace = await openWorkplace(server);
      api = workplace.api;
    });
    after(async () => {
      await server?.stop();
      await database?.drop();
    });

    const send = <T = Faults>(method: string, path: string, body?: unknown): Promise<ApiAnswer<T>> =>
      api.request<T>(method, path, body);
    const status = async (method: string, path: string, body?: unknown) =>
      (await send(method, path, body)).status;
    const refusedFields = async (method: string, path: string, body: unknown) => {
      const answer = await send(method, path, body);
      assert.equal(answer.status, 422, JSON.stringify(answer.body));
      return (answer.body.errors ?? []).map(({ field }) => field).sort();
    };
    const addOrganization = (fields: object = {}) =>
      api.post<Organization>('/organizations', { name: 'Works', ...fields });

    describe('organizations', () => {
      test('an organization is created with its maker as owner, read, listed, changed and deleted', async () => {
        const created = await addOrganization({ url_slug: `works-${kind}` });
        assert.equal(created.owner?.email, admin);
        assert.deepEqual(created.current_user_permissions.toSorted(), permissions.toSorted());
        const path = `/organizations/${created.id}`;
        assert.deepEqual(await api.get(path), created);
        const listed = await api.get<Organization[]>('/organizations');
        assert.equal(listed[0]?.id, created.id);
        assert.equal(listed[0]?.owner?.email, admin);
        assert.equal(await status('PUT', path, { name: 'Mills' }), 204);
        const renamed = await api.get<Organization>(path);
        assert.equal(renamed.name, 'Mills');
        assert.equal(renamed.url_slug, `works-${kind}`);
        assert.equal(await status('DELETE', path), 204);
        assert.equal(await status('GET', path), 404);
        assert.ok(!(await api.get<Named[]>('/organizations')).some(({ id }) => id === created.id));
      });

      test('a new organization has the four predefined roles', async () => {
        const { id } = await addOrganization();
        const roles = await api.get<{ name: string; is_predefined: boolean }[]>(`/organizations/${id}/roles`);
        assert.deepEqual(roles.map(({ name }) => name).sort(), ['admin', 'developer', 'owner', 'viewer']);
        assert.ok(roles.every(({ is_predefined }) => is_predefined));
      });

      test('the slug stands for the id in every address, and follows a change', async () => {
        const { id } = await addOrganization({ url_slug: `old-${kind}` });
        assert.equal((await api.get<Organization>(`/organizations/old-${kind}`)).id, id);
        await api.put(`/organizations/old-${kind}`, { url_slug: `new-${kind}` });
        assert.equal(await status('GET', `/organizations/old-${kind}`), 404);
        const project = await api.post<Project>(`/organizations/new-${kind}/projects`, { name: 'Inside' });
        assert.equal(project.organization?.id, id);
        for (const list of ['projects', 'teams', 'roles', 'credentials', 'audit-events', 'team-memberships'])
          assert.equal(await status('GET', `/organizations/new-${kind}/${list}`), 200, list);
      });

      test('an organization without a slug gets one that is its address', async () => {
        for (const name of ['Grüße & Söhne GmbH', '日本', '2026', '-'.repeat(60)]) {
          const { id, url_slug } = await addOrganization({ name });
          assert.match(url_slug, /^[a-z0-9][a-z0-9-]*[a-z0-9]$/);
          assert.equal((await api.get<Organization>(`/organizations/${url_slug}`)).id, id, url_slug);
        }
      });

      test('a slug that is taken is answered 422 on url_slug, at creation and by a change', async () => {
        await addOrganization({ url_slug: `first-${kind}` });
        const { id } = await addOrganization();
        const slug = { url_slug: `first-${kind}` };
        assert.deepEqual(await refusedFields('POST', '/organizations', { name: 'x', ...slug }), ['url_slug']);
        assert.deepEqual(await refusedFields('PUT', `/organizations/${id}`, slug), ['url_slug']);
        assert.equal(await status('PUT', `/organizations/first-${kind}`, slug), 204);
      });

      test('a slug that could be taken for an id, or is no part of an address, is refused', async () => {
        for (const url_slug of ['42', '-a', 'a-', 'A', 'a b', 'ä', '', 'a/b', 'a'.repeat(61)])
          assert.deepEqual(
            await refusedFields('POST', '/organizations', { name: 'x', url_slug }),
            ['url_slug'],
            url_slug,
          );
      });

      test('every fault of an organization is named at once', async () => {
        const body = { name: 7, url_slug: 'NOT A SLUG' };
        assert.deepEqual(await refusedFields('POST', '/organizations', body), ['name', 'url_slug']);
        assert.deepEqual(await refusedFields('PUT', `/organizations/${workplace.organizationId}`, body), [
          'name',
          'url_slug',
        ]);
        assert.deepEqual(await refusedFields('POST', '/organizations', {}), ['name']);
      });

      test('an organization with projects is not deleted, and the answer names them', async () => {
        const { id } = await addOrganization();
        const project = await api.post<Project>(`/organizations/${id}/projects`, { name: 'In the way' });
        const refused = await send('DELETE', `/organizations/${id}`);
        assert.equal(refused.status, 409);
        assert.match(refused.body.message, /project "In the way"/);
        assert.equal((await api.get<Project>(`/projects/${project.id}`)).name, 'In the way');
        await api.delete(`/projects/${project.id}`);
        assert.equal(await status('DELETE', `/organizations/${id}`), 204);
      });

      test('deleting an organization takes along its teams, their roles and members, and its credentials', async () => {
        const theirs = await createOrganization(server.url, api);
        const someone = await addPerson(theirs, { role: 'developer', on: 'organization' });
        const credential = await api.post<Named>(`/organizations/${theirs.organizationId}/credentials`, {
          name: 'hub',
          provider_code: 'github',
          settings: { access_token: 'ghp_gone' },
        });
        await api.delete(`/environments/${theirs.environmentId}`);
        await api.delete(`/projects/${theirs.projectId}`);
        assert.equal((await someone.api.get<Named[]>('/organizations')).length, 1);
        assert.equal(await status('DELETE', `/organizations/${theirs.organizationId}`), 204);
        assert.equal(await status('GET', `/teams/${someone.teamId}`), 404);
        assert.equal(await status('GET', `/credentials/${credential.id}`), 404);
        assert.deepEqual(await someone.api.get('/organizations'), []);
      });
    });

    describe('projects', () => {
      test('a project is created, read, listed, renamed and deleted', async () => {
        const created = await api.post<Project>('/projects', {
          name: 'Shop',
          organization_id: workplace.organizationId,
        });
        assert.equal(created.created_by_user?.email, admin);
        assert.equal(created.user_id, created.created_by_user?.id);
        assert.equal(created.organization?.id, workplace.organizationId);
        assert.equal(created.organization?.owner?.email, admin);
        assert.ok(created.current_user_permissions.includes('project:delete'));
        const path = `/projects/${created.id}`;
        assert.deepEqual(await api.get(path), created);
        for (const list of ['/projects', `/organizations/${workplace.organizationId}/projects`]) {
          const [first] = await api.get<Project[]>(list);
          assert.equal(first?.id, created.id, list);
          assert.equal(first?.created_by_user?.email, admin, list);
        }
        assert.equal(await status('PUT', path, { name: 'Store' }), 204);
        assert.equal((await api.get<Project>(path)).name, 'Store');
        assert.equal(await status('DELETE', path), 204);
        assert.equal(await status('GET', path), 404);
      });

      test('a project without an organization goes to the only one there is, or is refused', async () => {
        const person = await addPerson(workplace, { role: 'admin' });
        const project = await person.api.post<Project>('/projects', { name: 'Mine' });
        assert.equal(project.organization?.id, workplace.organizationId);
        assert.equal(project.created_by_user?.id, person.id);
        await person.api.post('/organizations', { name: 'A second one' });
        const unclear = await person.api.request<Faults>('POST', '/projects', { name: 'Which?' });
        assert.equal(unclear.status, 422);
        assert.equal(unclear.body.errors?.[0]?.field, 'organization_id');
        const onlooker = await addPerson(workplace, { role: 'viewer' });
        assert.equal((await onlooker.api.request('POST', '/projects', { name: 'No' })).status, 403);
        const elsewhere = { name: 'No', organization_id: workplace.organizationId };
        const refused = await onlooker.api.request<Faults>('POST', '/projects', elsewhere);
        assert.equal(refused.status, 422);
        assert.equal(refused.body.errors?.[0]?.field, 'organization_id');
      });

      test('every fault of a project is named at once', async () => {
        const body = { name: 'x'.repeat(61), organization_id: 'one' };
        assert.deepEqual(await refusedFields('POST', '/projects', body), ['name', 'organization_id']);
        const path = `/projects/${workplace.projectId}`;
        assert.deepEqual(await refusedFields('PUT', path, { name: '' }), ['name']);
      });

      test('a project with environments is not deleted, and the answer names them', async () => {
        const { id } = await api.post<Project>(`/organizations/${workplace.organizationId}/projects`, {
          name: 'Full',
        });
        const environment = await api.post<Environment>(`/projects/${id}/environments`, {
          name: 'Keeps it',
          type: 'staging',
        });
        const refused = await send('DELETE', `/projects/${id}`);
        assert.equal(refused.status, 409);
        assert.match(refused.body.message, /environment "Keeps it"/);
        await api.delete(`/environments/${environment.id}`);
        assert.equal(await status('DELETE', `/projects/${id}`), 204);
      });
    });

    describe('environments', () => {
      test('an environment is created, read, listed, changed and deleted', async () => {
        const home = `/projects/${workplace.projectId}/environments`;
        const created = await api.post<Environment>(home, {
          name: 'qa',
          type: 'staging',
          description: 'For tests',
        });
        assert.equal(created.created_by_user?.email, admin);
        assert.deepEqual(created.teams, []);
        assert.ok(created.current_user_permissions.includes('hook:create'));
        const path = `/environments/${created.id}`;
        assert.deepEqual(await api.get(path), created);
        const [first] = await api.get<EnvironmentRelation[]>(home);
        assert.equal(first?.id, created.id);
        assert.equal(first?.project?.id, workplace.projectId);
        assert.equal(first?.project?.created_by_user?.email, admin);
        assert.equal(await status('PUT', path, { type: 'development' }), 204);
        const changed = await api.get<Environment>(path);
        assert.deepEqual(
          [changed.type, changed.name, changed.description],
          ['development', 'qa', 'For tests'],
        );
        assert.equal(await status('PUT', path, { description: null }), 204);
        assert.equal((await api.get<Environment>(path)).description, null);
        assert.equal(await status('DELETE', path), 204);
        assert.equal(await status('GET', path), 404);
      });

      test('every fault of an environment is named at once', async () => {
        const body = { type: 'moon', name: '', description: 'x'.repeat(501) };
        const all = ['description', 'name', 'type'];
        const home = `/projects/${workplace.projectId}/environments`;
        assert.deepEqual(await refusedFields('POST', home, body), all);
        assert.deepEqual(await refusedFields('PUT', `/environments/${workplace.environmentId}`, body), all);
        assert.deepEqual(await refusedFields('POST', home, {}), ['name', 'type']);
      });

      test('an environment with applications and servers is not deleted, and the answer names them', async () => {
        const { id: environmentId } = await api.post<Environment>(
          `/projects/${workplace.projectId}/environments`,
          { name: 'busy', type: 'production' },
        );
        const application = await createApplication({ ...workplace, environmentId });
        const machine = await api.post<Named>(`/environments/${environmentId}/servers`, {
          hostname: 'web-7',
        });
        const refused = await send('DELETE', `/environments/${environmentId}`);
        assert.equal(refused.status, 409);
        assert.ok(refused.body.message.includes(`application "${application.name}"`), refused.body.message);
        assert.ok(refused.body.message.includes('server "web-7"'), refused.body.message);
        await api.delete(`/applications/${application.id}`);
        await api.delete(`/servers/${machine.id}`);
        assert.equal(await status('DELETE', `/environments/${environmentId}`), 204);
        assert.equal(await status('GET', `/credentials/${application.credentialId}`), 404);
      });

      test('an environment shows the teams with a role on it, and what the caller may do there', async () => {
        const here = await addPerson(workplace, { role: 'viewer', on: 'environment' });
        const above = await addPerson(workplace, { role: 'viewer', on: 'project' });
        const environment = await here.api.get<Environment>(`/environments/${workplace.environmentId}`);
        assert.deepEqual(environment.current_user_permissions.toSorted(), viewerPermissions);
        const teams = new Set(environment.teams.map(({ id }) => id));
        assert.ok(teams.has(here.teamId));
        assert.ok(!teams.has(above.teamId));
      });
    });

    describe('who sees what', () => {
      test('whoever has a role on an environment alone sees the way there and nothing beside it', async () => {
        const person = await addPerson(workplace, { role: 'admin', on: 'environment' });
        const beside = await api.post<Named>(`/projects/${workplace.projectId}/environments`, {
          name: 'beside',
          type: 'staging',
        });
        const other = await api.post<Named>(`/organizations/${workplace.organizationId}/projects`, {
          name: 'Another',
        });
        const organization = await person.api.get<Organization>(`/organizations/${workplace.organizationId}`);
        assert.deepEqual(organization.current_user_permissions.toSorted(), [
          'organization:read',
          'project:read',
        ]);
        const project = await person.api.get<Project>(`/projects/${workplace.projectId}`);
        assert.deepEqual(project.current_user_permissions.toSorted(), ['environment:read', 'project:read']);
        const idsOf = async (path: string) => (await person.api.get<Named[]>(path)).map(({ id }) => id);
        assert.deepEqual(await idsOf('/organizations'), [workplace.organizationId]);
        assert.deepEqual(await idsOf('/projects'), [workplace.projectId]);
        assert.deepEqual(await idsOf(`/organizations/${workplace.organizationId}/projects`), [
          workplace.projectId,
        ]);
        assert.deepEqual(await idsOf(`/projects/${workplace.projectId}/environments`), [
          workplace.environmentId,
        ]);
        assert.equal((await person.api.request('GET', `/environments/${beside.id}`)).status, 404);
        assert.equal((await person.api.request('GET', `/projects/${other.id}`)).status, 404);
        assert.equal(
          (await person.api.request('PUT', `/projects/${workplace.projectId}`, { name: 'x' })).status,
          403,
        );
      });
    });

    test('a list is paged newest first, and its Link leads through all of it', async () => {
      const { projectId } = await createOrganization(server.url, api);
      const count = 45;
      const home = `/projects/${projectId}/environments`;
      for (let number = 1; number < count; number++)
        await api.post(home, { name: `environment ${number}`, type: 'staging' });
      const ids: number[] = [];
      let pages = 0;
      for (let path: string | undefined = `${home}?per_page=20`; path; pages++) {
        const answer: ApiAnswer<Named[]> = await send('GET', path);
        ids.push(...answer.body.map(({ id }) => id));
        const links = linksOf(answer);
        assert.equal(links.get('first'), `/api${home}?per_page=20&page=1`);
        assert.equal(links.get('last'), `/api${home}?per_page=20&page=3`);
        assert.equal(
          links.get('prev'),
          pages === 0 ? undefined : `/api${home}?per_page=20&page=${String(pages)}`,
        );
        path = links.get('next')?.replace('/api', '');
      }
      assert.equal(pages, 3);
      assert.equal(ids.length, count);
      assert.deepEqual(
        ids,
        [...new Set(ids)].toSorted((one, other) => other - one),
      );
      const beyond = await send<Named[]>('GET', `${home}?per_page=20&page=9`);
      assert.deepEqual(beyond.body, []);
      assert.match(linksOf(beyond).get('prev') ?? '', /page=3$/);
    });

    test('a page that is no page, or larger than a hundred rows, is refused', async () => {
      for (const query of ['page=0', 'page=-1', 'page=x', 'per_page=0', 'per_page=101', 'page=1.5'])
        assert.equal(await status('GET', `/organizations?${query}`), 422, query);
    });
  });
}

function linksOf({ headers }: ApiAnswer<unknown>): Map<string, string> {
  const links = (headers.get('link') ?? '').matchAll(/<([^>]*)>; rel="(\w+)"/g);
  return new Map([...links].map(([, address, rel]) => [rel!, address!]));
}
