import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { createApiClient } from './support/api-client.ts';
import type { ApiAnswer, ApiClient } from './support/api-client.ts';
import { startBrowser } from './support/browser.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { executeSql } from './support/execute-sql.ts';
import { openWorkplace } from './support/fixtures.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import { addMember, addPerson, createTeam, invite, newAccount, roleId, signIn } from './support/people.ts';
import type { Person, TestInvitation, TestTeam } from './support/people.ts';
import { startServer } from './support/server.ts';
import { startSmtpReceiver } from './support/smtp-receiver.ts';
import { dumpTables } from './support/table-dump.ts';

const DAY_MS = 24 * 3_600_000;

type Faults = { message: string; errors: { field: string; message: string }[] | null };
type Listed = {
  id: string;
  status: string;
  email: string | null;
  public_accept_url: string | null;
  accepted_at: string | null;
  accepted_from_ip: string | null;
  created_by_user: { email: string } | null;
};

for (const kind of databaseKinds) {
  describe(`invitations on ${kind}`, () => {
    let database: TestDatabase;
    let app: InProcessApp;
    let api: ApiClient;
    let team: TestTeam;

    before(async () => {
      database = await createTestDatabase(kind);
      app = await startInProcessApp({ database, env: { HOOKLINE_TRUST_PROXY: '127.0.0.1' } });
      api = app.api;
      team = await createTeam(app, { role: 'viewer' });
    });
    after(async () => {
      await app?.stop();
      await database?.drop();
    });

    const anonymous = () => createApiClient(app.url);
    const address = ({ id, token }: TestInvitation, verb: string) =>
      `/team-invitations/${id}/${verb}?token=${token}`;
    const accept = (invitation: TestInvitation, as: ApiClient): Promise<ApiAnswer<Faults>> =>
      as.request('POST', address(invitation, 'accept'));
    const join = (account: object): Promise<ApiAnswer<Faults & { id: number; email: string }>> =>
      anonymous().request('POST', '/users', account);
    const memberIds = async (teamId: number) =>
      (await api.get<{ user: { id: number } }[]>(`/teams/${teamId}/members?per_page=100`)).map(
        ({ user }) => user.id,
      );
    const listed = async (invitation: TestInvitation, teamId = team.id) => {
      const all = await api.get<Listed[]>(`/teams/${teamId}/invitations?per_page=100`);
      return all.find(({ id }) => id === invitation.id);
    };
    /** With an account, and in none of the teams that are looked at. */
    const somebody = async (): Promise<Person> => addMember(app, (await createTeam(app)).id);

    test('the link is handed over once, and whoever is signed in accepts it', async () => {
      const own = await createTeam(app, { role: 'viewer' });
      const person = await somebody();
      const invitation = await invite(api, own.id);
      assert.match(invitation.token, /^hl_inv_.{40,}$/);
      assert.equal(
        invitation.link,
        `${new URL(invitation.link).origin}/team-invitations/${invitation.id}/accept?token=${invitation.token}`,
      );
      assert.equal(invitation.email_sent, null, 'there is no mail server to send it');
      const before = await listed(invitation, own.id);
      assert.deepEqual([before?.public_accept_url, before?.status], [null, 'active']);
      assert.equal(before?.created_by_user?.email, 'admin@example.com');
      const path = `/organizations/${app.organizationId}`;
      assert.equal((await person.api.request('GET', path)).status, 404);
      assert.equal((await accept(invitation, person.api)).status, 204);
      assert.equal((await person.api.request('GET', path)).status, 200);
      assert.deepEqual(await memberIds(own.id), [person.id]);
    });

    test('an invitation makes an account, which can sign in and is in the team', async () => {
      const account = newAccount(await invite(api, team.id), `Grace-${kind}@Example.com`);
      const answer = await join(account);
      assert.equal(answer.status, 201);
      assert.equal(answer.body.email, `grace-${kind}@example.com`);
      const client = await signIn(app.url, account);
      assert.equal((await client.get<{ id: number }[]>('/organizations'))[0]?.id, app.organizationId);
      assert.ok((await memberIds(team.id)).includes(answer.body.id));
    });

    test('an account that exists joins with its own password alone, and keeps its name', async () => {
      const person = await somebody();
      const invitation = await invite(api, team.id);
      const account = { ...newAccount(invitation, person.email), name: 'Somebody else' };
      const refused = await join({ ...account, password: 'not their password' });
      assert.equal(refused.status, 401);
      assert.ok(!(await memberIds(team.id)).includes(person.id));
      const answer = await join({ ...account, password: person.password });
      assert.equal(answer.status, 201);
      assert.equal(answer.body.id, person.id);
      assert.ok((await memberIds(team.id)).includes(person.id));
      assert.equal((await person.api.get<{ name: string }>('/users/me')).name, person.name);
    });

    test('an account that was switched off does not come back by an invitation', async () => {
      const person = await somebody();
      await executeSql(database, `update users set active = 0 where id = ${person.id}`);
      const account = newAccount(await invite(api, team.id), person.email);
      assert.equal((await join({ ...account, password: person.password })).status, 401);
      assert.ok(!(await memberIds(team.id)).includes(person.id));
    });

    test('nobody makes an account without an invitation, and every fault is named at once', async () => {
      const { invitation_id, invitation_token, ...rest } = newAccount(await invite(api, team.id));
      const fields = async (body: object) => {
        const answer = await join(body);
        assert.equal(answer.status, 422);
        return answer.body.errors?.map(({ field }) => field).sort();
      };
      assert.deepEqual(await fields(rest), ['invitation_id', 'invitation_token']);
      assert.deepEqual(await fields({ invitation_id, invitation_token }), ['email', 'name', 'password']);
      const faulty = { ...rest, name: '   ', email: 'nowhere', password: 'short' };
      assert.deepEqual(await fields({ ...faulty, invitation_id, invitation_token }), ['email', 'password']);
    });

    test('a private invitation serves only its e-mail address, and once', async () => {
      const invited = await somebody();
      const other = await somebody();
      const invitation = await invite(api, team.id, invited.email.toUpperCase());
      assert.equal((await listed(invitation))?.email, invited.email);
      assert.equal((await accept(invitation, other.api)).status, 403);
      assert.equal((await join(newAccount(invitation, 'somebody-else@example.com'))).status, 403);
      assert.equal((await listed(invitation))?.status, 'pending');
      assert.equal((await accept(invitation, invited.api)).status, 204);
      const used = await listed(invitation);
      assert.equal(used?.status, 'accepted');
      assert.equal(used?.accepted_from_ip, '127.0.0.1');
      assert.ok(used?.accepted_at);
      const again = await accept(invitation, invited.api);
      assert.equal(again.status, 409);
      assert.match(again.body.message, /accepted already/);
    });

    test('a private invitation that is used many times at the same instant serves once', async () => {
      const email = `at-once-${kind}@example.com`;
      const fresh = await invite(api, team.id, email);
      const joined = await Promise.all(Array.from({ length: 5 }, () => join(newAccount(fresh, email))));
      const statuses = joined.map(({ status }) => status);
      assert.equal(statuses.filter((status) => status === 201).length, 1, String(statuses));
      assert.ok(
        statuses.every((status) => status === 201 || status === 409 || status === 401),
        String(statuses),
      );
      const person = await somebody();
      const invitation = await invite(api, team.id, person.email);
      const accepted = await Promise.all(Array.from({ length: 5 }, () => accept(invitation, person.api)));
      assert.deepEqual(accepted.map(({ status }) => status).sort(), [204, 409, 409, 409, 409]);
    });

    test('a public invitation serves several people', async () => {
      const own = await createTeam(app);
      const invitation = await invite(api, own.id);
      const people = [await somebody(), await somebody()];
      for (const person of people) assert.equal((await accept(invitation, person.api)).status, 204);
      assert.equal((await join(newAccount(invitation))).status, 201);
      assert.equal((await memberIds(own.id)).length, 3);
      // Whoever is in already stays in.
      assert.equal((await accept(invitation, people[0]!.api)).status, 204);
      assert.equal((await memberIds(own.id)).length, 3);
    });

    test('a private invitation that is rejected is over; a public one stays open for the others', async () => {
      const person = await somebody();
      const forOne = await invite(api, team.id, person.email);
      assert.equal((await anonymous().request('POST', address(forOne, 'reject'))).status, 204);
      assert.equal((await listed(forOne))?.status, 'rejected');
      const late = await accept(forOne, person.api);
      assert.equal(late.status, 409);
      assert.match(late.body.message, /rejected/);
      assert.equal((await anonymous().request('POST', address(forOne, 'reject'))).status, 409);
      const forAll = await invite(api, team.id);
      assert.equal((await anonymous().request('POST', address(forAll, 'reject'))).status, 204);
      assert.equal((await accept(forAll, person.api)).status, 204);
    });

    test('an invitation is over after a week, and when it is deleted', async () => {
      const person = await somebody();
      const expiring = await invite(api, team.id);
      const deleted = await invite(api, team.id);
      await api.delete(`/team-invitations/${deleted.id}`);
      assert.equal((await accept(deleted, person.api)).status, 404);
      assert.equal((await api.request('DELETE', `/team-invitations/${deleted.id}`)).status, 404);
      await app.clock.jump(7 * DAY_MS - 1);
      const week = await signIn(app.url, person);
      assert.equal((await accept(expiring, week)).status, 204);
      await app.clock.jump(1);
      const refused = await accept(expiring, week);
      assert.equal(refused.status, 409);
      assert.match(refused.body.message, /expired/);
      assert.equal((await listed(expiring))?.status, 'expired');
    });

    test('a wrong token is told like an invitation that does not exist', async () => {
      const person = await somebody();
      const invitation = await invite(api, team.id);
      const other = await invite(api, team.id);
      const none = '11111111-1111-4111-8111-111111111111';
      const answers = [
        await accept({ ...invitation, token: 'hl_inv_wrong' }, person.api),
        await accept({ ...invitation, token: other.token }, person.api),
        await accept({ ...invitation, id: none }, person.api),
        await anonymous().request<Faults>('POST', address({ ...invitation, token: 'x' }, 'reject')),
        await join(newAccount({ ...invitation, token: 'x' })),
      ];
      for (const { status, body } of answers) {
        assert.equal(status, 404);
        assert.equal(body.message, answers[0]?.body.message);
      }
      const nul = await person.api.request('POST', `/team-invitations/${'%00'.repeat(36)}/accept?token=x`);
      assert.equal(nul.status, 400);
    });

    test('an invitation without an e-mail address is public and one with it private, else it is refused', async () => {
      for (const body of [
        { type: 'private' },
        { type: 'public', email: 'a@example.com' },
        { type: 'private', email: 'nowhere' },
        { type: 'secret' },
        {},
      ]) {
        const answer = await api.request('POST', `/teams/${team.id}/invitations`, body);
        assert.equal(answer.status, 422, JSON.stringify(body));
      }
    });

    test('the API token of a project joins no team', async () => {
      const { token } = await api.post<{ token: string }>(`/projects/${app.projectId}/tokens`, {
        name: 'ci',
        role_id: await roleId(app, 'owner'),
        expires_at: new Date(app.clock.now() + DAY_MS).toISOString(),
      });
      const invitation = await invite(api, team.id);
      assert.equal((await accept(invitation, createApiClient(app.url, token))).status, 403);
    });

    test('only a hash of the token is stored', async () => {
      const invitation = await invite(api, team.id);
      await join(newAccount(invitation));
      const stored = await dumpTables(database);
      assert.ok(stored.includes(invitation.id), 'the test does not see what is stored');
      assert.ok(!stored.includes(invitation.token.slice('hl_inv_'.length)));
    });

    test('a form with anything in it is told what is wrong with it, and never a fault of ours', async () => {
      const invitation = await invite(api, team.id);
      const path = `${app.url}/team-invitations/${invitation.id}/accept`;
      const send = async (
        body: string,
        type = 'application/x-www-form-urlencoded',
        token = invitation.token,
      ) => {
        const headers = { 'content-type': type, 'x-forwarded-for': '203.0.113.1' };
        const answer = await fetch(`${path}?token=${token}`, { method: 'POST', headers, body });
        assert.match(answer.headers.get('content-type') ?? '', /^text\/html/, body.slice(0, 40));
        assert.match(await answer.text(), /role="alert"/, body.slice(0, 40));
        return answer.status;
      };
      const filled = 'name=Ada+Lovelace&password=long+enough&email=';
      assert.equal(await send(''), 422);
      assert.equal(await send(filled), 422, 'an account without an e-mail address');
      assert.equal(await send(`${filled}nowhere`), 422);
      assert.equal(await send(`name=Ada&email=ada%40example.com&password=${'x'.repeat(1025)}`), 422);
      assert.equal(await send(`${filled}a%00%40example.com`), 400);
      assert.equal(await send(`${filled}${'x'.repeat(20_000)}`), 413);
      assert.equal(await send('{"email": 7, "password": []}', 'application/json'), 415);
      assert.equal(await send('<x/>', 'text/xml'), 415);
      assert.equal(await send(filled, undefined, 'x'.repeat(300)), 404);
      for (const odd of [
        '/team-invitations/x/accept',
        `/team-invitations/${'x'.repeat(36)}/accept?token=x`,
      ]) {
        const answer = await fetch(`${app.url}${odd}`);
        assert.equal(answer.status, 404, odd);
      }
      assert.doesNotMatch(app.log(), /"err"/);
    });
  });
}

test('the token of an invitation is in no line of the log, however much is logged', async () => {
  const server = await startServer({ env: { HOOKLINE_LOG_LEVEL: 'trace' } });
  try {
    const workplace = await openWorkplace(server);
    const team = await createTeam(workplace);
    const invitation = await invite(workplace.api, team.id);
    const anonymous = createApiClient(server.url);
    await anonymous.request('POST', `/team-invitations/${invitation.id}/reject?token=${invitation.token}`);
    const page = `${server.url}/team-invitations/${invitation.id}/accept?token=${invitation.token}`;
    assert.equal((await fetch(page)).status, 200);
    assert.equal(
      (await fetch(page, { method: 'POST', body: new URLSearchParams({ email: '' }) })).status,
      422,
    );
    await anonymous.post('/users', newAccount(invitation));
    const refused = await anonymous.request('POST', '/users', newAccount(invitation, ''));
    assert.equal(refused.status, 422);
    await server.stop();
    assert.ok(!server.output().includes(invitation.token), server.output());
  } finally {
    await server.stop();
  }
});

describe('the page behind the link', () => {
  let database: TestDatabase;
  let app: InProcessApp;
  let browser: Browser;
  let team: TestTeam;
  let visitors = 0;

  before(async () => {
    database = await createTestDatabase('sqlite');
    const env = { HOOKLINE_TRUST_PROXY: '127.0.0.1' };
    [app, browser] = await Promise.all([startInProcessApp({ database, env }), startBrowser()]);
    team = await createTeam(app, { name: 'Platform', role: 'viewer' });
  });
  after(async () => {
    await browser?.close();
    await app?.stop();
    await database?.drop();
  });

  /** Opens a page from an address of its own, so that no test uses up the guesses of another. */
  async function visit(
    link: string,
    work: (page: Page, status: number) => Promise<void>,
    options: BrowserContextOptions = {},
  ): Promise<void> {
    const extraHTTPHeaders = { 'x-forwarded-for': `198.51.100.${++visitors}` };
    const context = await browser.newContext({ extraHTTPHeaders, ...options });
    try {
      const page = await context.newPage();
      const answer = await page.goto(link);
      await work(page, answer?.status() ?? 0);
    } finally {
      await context.close();
    }
  }

  async function fill(page: Page, fields: { email?: string; password?: string; name?: string }) {
    for (const [name, value] of Object.entries(fields)) await page.locator(`[name=${name}]`).fill(value);
    const answered = page.waitForResponse((response) => response.request().method() === 'POST');
    await page.getByRole('button', { name: 'Join the team' }).click();
    const answer = await answered;
    await answer.finished();
    return answer.status();
  }
  const alert = async (page: Page) => await page.getByRole('alert').innerText();
  const isMember = async (email: string) => {
    const members = await app.api.get<{ user: { email: string } }[]>(
      `/teams/${team.id}/members?per_page=100`,
    );
    return members.some(({ user }) => user.email === email);
  };

  test('it makes a new account and joins the team', async () => {
    const { link } = await invite(app.api, team.id);
    const account = { name: 'Ada Lovelace', email: 'ada@example.com', password: 'of the first order' };
    await visit(link, async (page, status) => {
      assert.equal(status, 200);
      assert.equal(await page.getByRole('heading').innerText(), 'Join Platform');
      assert.equal(await fill(page, account), 200);
      await page.getByRole('heading', { name: 'Welcome' }).waitFor();
      assert.match(await page.locator('main').innerText(), /ada@example\.com/);
    });
    const client = await signIn(app.url, account);
    assert.equal((await client.get<{ name: string }>('/users/me')).name, 'Ada Lovelace');
    assert.ok(await isMember('ada@example.com'));
  });

  test('it joins an account that exists, after a wrong password too', async () => {
    const person = await addPerson(app, { role: 'viewer' });
    const { link } = await invite(app.api, team.id);
    await visit(link, async (page) => {
      assert.equal(await fill(page, { email: person.email, password: 'not it' }), 401);
      assert.match(await alert(page), /password is another/);
      assert.equal(await page.locator('[name=email]').inputValue(), person.email);
      assert.equal(await page.locator('[name=password]').inputValue(), '');
      assert.equal(await isMember(person.email), false);
      assert.equal(await fill(page, { password: person.password }), 200);
      await page.getByRole('heading', { name: 'Welcome' }).waitFor();
    });
    assert.ok(await isMember(person.email));
  });

  test('it names every fault of a new account, and keeps what was typed but the password', async () => {
    const { link } = await invite(app.api, team.id);
    await visit(link, async (page) => {
      assert.equal(await fill(page, { email: 'new@example.com', password: 'short', name: 'x' }), 422);
      assert.match(await alert(page), /name must have 3 to 255.*password must have 8/);
      assert.equal(await page.locator('[name=name]').inputValue(), 'x');
      assert.match(await page.title(), /^Error/);
    });
  });

  test('its guesses of a password are throttled', async () => {
    const person = await addPerson(app, { role: 'viewer' });
    const { link } = await invite(app.api, team.id);
    await visit(link, async (page) => {
      for (let guess = 1; guess <= 10; guess++)
        assert.equal(await fill(page, { email: person.email, password: `guess ${guess}` }), 401);
      assert.equal(await fill(page, { email: person.email, password: person.password }), 429);
      assert.match(await alert(page), /Too many failed attempts/);
    });
    assert.equal(await isMember(person.email), false);
  });

  test('a private one is for its e-mail address, which cannot be changed, and serves once', async () => {
    const { link } = await invite(app.api, team.id, 'grace@example.com');
    await visit(link, async (page) => {
      const email = page.locator('[name=email]');
      assert.equal(await email.inputValue(), 'grace@example.com');
      assert.equal(await email.isEditable(), false);
      // Whoever changes the form all the same is refused.
      await page.evaluate(`document.querySelector('[name=email]').removeAttribute('readonly')`);
      const other = { email: 'other@example.com', name: 'Another', password: 'long enough' };
      assert.equal(await fill(page, other), 403);
      assert.match(await alert(page), /another e-mail address/);
      assert.equal(await fill(page, { name: 'Grace Hopper', password: 'long enough' }), 200);
    });
    await visit(link, async (page, status) => {
      assert.equal(status, 409);
      assert.match(await alert(page), /accepted already/);
      assert.equal(await page.locator('form').count(), 0);
    });
  });

  test('a link that is wrong, expired or of a deleted invitation says so and shows no form', async () => {
    const deleted = await invite(app.api, team.id);
    await app.api.delete(`/team-invitations/${deleted.id}`);
    const wrong = await invite(app.api, team.id);
    for (const link of [deleted.link, `${wrong.link}x`, wrong.link.replace(/\?.*/, '')])
      await visit(link, async (page, status) => {
        assert.equal(status, 404);
        assert.match(await alert(page), /not found/);
        assert.equal(await page.locator('form').count(), 0);
        assert.ok(!(await page.content()).includes('Platform'));
      });
    await app.clock.jump(7 * DAY_MS);
    await visit(wrong.link, async (page, status) => {
      assert.equal(status, 409);
      assert.match(await alert(page), /expired/);
    });
  });

  test('names and what was typed are shown as they are, whatever HTML stands in them', async () => {
    const name = `"><script>document.title='owned'</script><img src=/x>&amp;`;
    await app.api.put(`/organizations/${app.organizationId}`, { name });
    const { id } = await createTeam(app, { name });
    const { link } = await invite(app.api, id);
    await visit(link, async (page) => {
      const requests: string[] = [];
      page.on('request', (request) => requests.push(new URL(request.url()).pathname));
      assert.equal(await page.getByRole('heading').innerText(), `Join ${name}`);
      assert.equal(await page.title(), `Join ${name} – Hookline`);
      assert.deepEqual(await page.locator('strong').allInnerTexts(), [name, name]);
      assert.equal(await fill(page, { email: 'html@example.com', password: 'short', name }), 422);
      assert.equal(await page.locator('[name=name]').inputValue(), name);
      assert.equal(await fill(page, { password: 'long enough' }), 200);
      await page.getByRole('heading', { name: 'Welcome' }).waitFor();
      assert.deepEqual(await page.locator('strong').allInnerTexts(), [name, name, 'html@example.com']);
      assert.equal(await page.locator('script, img').count(), 0);
      assert.ok(
        requests.every((path) => path.startsWith('/team-invitations/')),
        String(requests),
      );
    });
    await app.api.put(`/organizations/${app.organizationId}`, { name: 'Default organization' });
  });

  test('it works by keyboard alone, from field to field, and without a script', async () => {
    const { link } = await invite(app.api, team.id);
    await visit(
      link,
      async (page) => {
        await page.locator('[name=email]:focus').waitFor();
        await page.keyboard.type('keys@example.com');
        await page.keyboard.press('Tab');
        await page.keyboard.type('all from the keyboard');
        await page.keyboard.press('Tab');
        await page.keyboard.type('Key Board');
        await page.keyboard.press('Tab');
        assert.equal(await page.locator(':focus').innerText(), 'Join the team');
        await page.keyboard.press('Enter');
        await page.getByRole('heading', { name: 'Welcome' }).waitFor();
      },
      { javaScriptEnabled: false },
    );
    assert.ok(await isMember('keys@example.com'));
  });

  test('every field has a label and a name for what fills in forms', async () => {
    const { link } = await invite(app.api, team.id);
    await visit(link, async (page) => {
      for (const [label, autocomplete] of [
        ['E-mail', 'username'],
        ['Password', 'current-password'],
        ['Name', 'name'],
      ] as const) {
        const field = page.getByRole('textbox', { name: label }).or(page.getByLabel(label)).first();
        assert.equal(await field.getAttribute('autocomplete'), autocomplete, label);
      }
      assert.equal(await page.getByRole('main').count(), 1);
    });
  });

  test('on a phone nothing of it is cut off, however long the names are', async () => {
    const { id } = await createTeam(app, { name: 'W'.repeat(60) });
    const { link } = await invite(app.api, id, `${'w'.repeat(60)}@${'w'.repeat(60)}.example.com`);
    for (const colorScheme of ['light', 'dark'] as const) {
      const options = { viewport: { width: 390, height: 844 }, colorScheme };
      await visit(
        link,
        async (page) => {
          assert.equal(await page.evaluate<number>('document.documentElement.scrollWidth'), 390);
          const button = await page.getByRole('button').boundingBox();
          assert.ok(button && button.height >= 44 && button.x >= 0 && button.x + button.width <= 390);
        },
        options,
      );
    }
  });
});

describe('invitations by e-mail', () => {
  /** Runs the app with a mail server at an address. */
  async function withApp(smtpUrl: string, work: (app: InProcessApp) => Promise<void>): Promise<void> {
    const database = await createTestDatabase('sqlite');
    const env = { HOOKLINE_SMTP_URL: smtpUrl, HOOKLINE_MAIL_FROM: 'Hookline <hooks@example.com>' };
    const app = await startInProcessApp({ database, env });
    try {
      await work(app);
    } finally {
      await app.stop();
      await database.drop();
    }
  }
  const invitePerson = (app: InProcessApp, teamId: number, email = 'ada@example.com') =>
    app.api.request<Listed & { email_sent: boolean; public_accept_url: string }>(
      'POST',
      `/teams/${teamId}/invitations`,
      { type: 'private', email },
    );

  test('a private invitation is sent to its address with the link that it has; a public one is not', async () => {
    const account = { user: 'hookline', password: 'p@ss/word' };
    const mail = await startSmtpReceiver({ account });
    const login = `${account.user}:${encodeURIComponent(account.password)}`;
    try {
      await withApp(`smtp://${login}@127.0.0.1:${mail.port}`, async (app) => {
        const team = await createTeam(app, { name: 'Platform' });
        const { status, body } = await invitePerson(app, team.id);
        assert.deepEqual([status, body.email_sent], [201, true]);
        assert.equal((await invite(app.api, team.id)).email_sent, null);
        assert.equal(mail.mails.length, 1);
        const { recipients, raw } = mail.mails[0]!;
        assert.deepEqual(recipients, ['ada@example.com']);
        assert.equal(header(raw, 'from'), 'Hookline <hooks@example.com>');
        assert.equal(header(raw, 'to'), 'ada@example.com');
        assert.match(header(raw, 'subject'), /Invitation to Platform \(Default organization\)/);
        const link = /https?:\/\/\S+/.exec(bodyOf(raw))?.[0];
        assert.equal(link, body.public_accept_url);
        assert.equal((await fetch(link)).status, 200);
        assert.equal(app.log(), '');
      });
    } finally {
      await mail.close();
    }
  });

  test('a name with line breaks becomes no header, and an address with a comma no second recipient', async () => {
    const mail = await startSmtpReceiver();
    try {
      await withApp(`smtp://127.0.0.1:${mail.port}`, async (app) => {
        const name = 'Ops\r\nBcc: victim@example.com\nX-Own: 1\r\n\r\nFree text';
        await app.api.put(`/organizations/${app.organizationId}`, { name });
        const team = await createTeam(app, { name });
        assert.equal((await invitePerson(app, team.id)).body.email_sent, true);
        const { recipients, raw } = mail.mails[0]!;
        assert.deepEqual(recipients, ['ada@example.com']);
        const headers = raw.slice(0, raw.indexOf('\r\n\r\n'));
        assert.doesNotMatch(headers, /^(bcc|x-own|free)/im);
        assert.match(header(raw, 'subject'), /Ops Bcc: victim@example\.com X-Own: 1 Free text/);
        await invitePerson(app, team.id, 'a,victim@example.com');
        for (const { recipients: reached } of mail.mails.slice(1))
          assert.deepEqual(reached, ['"a,victim"@example.com']);
      });
    } finally {
      await mail.close();
    }
  });

  const password = 'Zebra-smtp-password';

  /** The invitation stands, and the log says what went wrong without what must not be there. */
  async function assertNotSent(app: InProcessApp, answer: Awaited<ReturnType<typeof invitePerson>>) {
    assert.deepEqual([answer.status, answer.body.email_sent], [201, false]);
    assert.equal((await fetch(answer.body.public_accept_url)).status, 200);
    const lines = app.log().trim().split('\n');
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /an e-mail could not be sent/);
    assert.match(lines[0]!, /ada@example\.com/);
    const token = new URL(answer.body.public_accept_url).searchParams.get('token')!;
    const encoded = Buffer.from(`\0hookline\0${password}`).toString('base64');
    for (const secret of [token, password, encoded, Buffer.from(password).toString('base64')])
      assert.ok(!app.log().includes(secret), app.log());
  }

  for (const [what, options] of [
    ['refuses the recipient', { refusesRecipients: true, account: { user: 'hookline', password } }],
    ['refuses the password', { account: { user: 'hookline', password: 'another' } }],
  ] as const)
    test(`a mail server that ${what} fails no invitation`, async () => {
      const mail = await startSmtpReceiver(options);
      try {
        await withApp(`smtp://hookline:${password}@127.0.0.1:${mail.port}`, async (app) => {
          const team = await createTeam(app);
          await assertNotSent(app, await invitePerson(app, team.id));
        });
      } finally {
        await mail.close();
      }
    });

  for (const [what, greet] of [
    ['never says a word', () => undefined],
    ['never comes to an end of what it says', drip],
  ] as [string, (socket: Socket) => void][])
    test(
      `a mail server that ${what} keeps nobody waiting for more than ten seconds`,
      { timeout: 600_000 },
      async () => {
        const server = createServer(greet);
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        const { port } = server.address() as AddressInfo;
        try {
          await withApp(`smtp://hookline:${password}@127.0.0.1:${port}`, async (app) => {
            const team = await createTeam(app);
            const connected = once(server, 'connection');
            const inviting = invitePerson(app, team.id);
            const [socket] = (await connected) as [Socket];
            const closed = once(socket.resume(), 'close');
            await app.clock.jump(10_000);
            await assertNotSent(app, await inviting);
            await closed;
          });
        } finally {
          server.close();
        }
      },
    );

  for (const [what, greet] of [
    ['is not there', null],
    ['hangs up', (socket) => socket.resetAndDestroy()],
    ['turns everybody away', (socket) => socket.end('554 Go away\r\n')],
  ] as [string, ((socket: Socket) => void) | null][])
    test(`a mail server that ${what} fails no invitation`, async () => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        greet?.(socket);
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      if (!greet) server.close();
      try {
        await withApp(`smtp://hookline:${password}@127.0.0.1:${port}`, async (app) => {
          const team = await createTeam(app);
          await assertNotSent(app, await invitePerson(app, team.id));
        });
      } finally {
        server.close();
      }
    });
});

/** Greets, and then says ever more of what it can do: no silence is long enough to be taken for the end. */
function drip(socket: Socket): void {
  socket.on('error', () => undefined);
  socket.write('220 Hello\r\n');
  socket.once('data', () => {
    const dripping = setInterval(() => socket.write('250-And\r\n'), 100);
    socket.once('close', () => clearInterval(dripping));
  });
}

/** The text of a mail; long lines of it came folded and encoded. */
function bodyOf(raw: string): string {
  const body = raw.slice(raw.indexOf('\r\n\r\n') + 4);
  if (!/^content-transfer-encoding: quoted-printable/im.test(raw)) return body;
  return body
    .replaceAll('=\r\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** A header of a mail in one line. */
function header(raw: string, name: string): string {
  const headers = raw.slice(0, raw.indexOf('\r\n\r\n')).replaceAll(/\r\n[ \t]+/g, ' ');
  return new RegExp(`^${name}: (.*)$`, 'im').exec(headers)?.[1] ?? '';
}
