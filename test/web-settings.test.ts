import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { buildDashboard } from './support/built-dashboard.ts';
import { createApiClient, until } from './support/api-client.ts';
import { browserForTests } from './support/browser.ts';
import { createApplication, joinTeam, openWorkplace, type Workplace } from './support/fixtures.ts';
import { startServer, type TestServer } from './support/server.ts';
import { startSshServer, type TestSshServer } from './support/ssh-server.ts';

const { openSignedIn } = browserForTests();
let server: TestServer;
let workplace: Workplace;
let ssh: TestSshServer;

before(async () => {
  await buildDashboard();
  server = await startServer();
  workplace = await openWorkplace(server);
  ssh = await startSshServer('ssh2');
});
after(async () => {
  await ssh?.stop();
  await server?.stop();
});

/** A page of the dashboard as the administrator sees it. */
async function openPage(t: TestContext, path: string): Promise<Page> {
  return (await openSignedIn(t, server.url, path)).page;
}

test('a server is added with a key that Hookline makes, tested, and its host key forgotten', async (t) => {
  const page = await openPage(t, '/servers');
  await page.getByRole('button', { name: 'Add a server' }).click();
  const form = page.getByRole('dialog', { name: 'Add a server' });
  await form.getByLabel('Host name').fill('web-1');
  await form.getByLabel('IP address').fill(ssh.host);
  await form.getByLabel('SSH port').fill(String(ssh.port));
  await form.getByLabel('User').fill(ssh.user);
  await form.getByRole('button', { name: 'Add', exact: true }).click();

  await page.getByRole('heading', { name: 'web-1', level: 1 }).waitFor();
  const connection = page.getByRole('region', { name: 'Connection' });
  await connection.getByText('No connection').waitFor();
  const command = await connection.getByLabel('Install command', { exact: true }).innerText();
  assert.match(command, /authorized_keys/);
  // Run there what the page says: the public half is what the line puts into authorized_keys.
  await ssh.acceptKey(/'(ssh-[^']+)'/.exec(command)?.[1] ?? '');
  await connection.getByRole('button', { name: 'Test the connection' }).click();
  await connection.getByText(`Signed in as ${ssh.user}.`).waitFor();
  await connection.getByText(ssh.hostKeyFingerprint()).waitFor();

  await ssh.replaceHostKey();
  await connection.getByRole('button', { name: 'Test the connection' }).click();
  await connection.getByText(/has changed/).waitFor();
  await connection.getByRole('button', { name: 'Forget the host key' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Forget it' }).click();
  // It is tested anew by itself, and the key of now is remembered.
  await connection.getByText(ssh.hostKeyFingerprint()).first().waitFor();
  await connection.getByText(`Signed in as ${ssh.user}.`).waitFor();

  await page.getByRole('button', { name: 'Delete', exact: true }).first().click();
  const warning = page.getByRole('dialog', { name: 'Delete the server web-1?' });
  assert.equal(await warning.getByRole('button', { name: 'Delete for good' }).isDisabled(), true);
  await warning.getByLabel('Type web-1 to go on').fill('web-1');
  await warning.getByRole('button', { name: 'Delete for good' }).click();
  await page.getByText('No server in this environment').waitFor();
});

test('a token is shown once, works, and is refused once it is revoked', async (t) => {
  const page = await openPage(t, '/settings/tokens');
  await page.getByRole('button', { name: 'Make a token' }).first().click();
  const form = page.getByRole('dialog', { name: 'Make a token' });
  await form.getByLabel('Name').fill('my laptop');
  await form.getByRole('button', { name: 'Make it' }).click();
  const shown = page.getByRole('dialog', { name: 'Your new token' });
  const token = await shown.getByRole('textbox', { name: 'my laptop' }).inputValue();
  assert.match(token, /^hl_pat_/);
  const me = () => createApiClient(server.url, token).request('GET', '/users/me');
  assert.equal((await me()).status, 200);

  await shown.getByRole('button', { name: 'I have it' }).click();
  await shown.waitFor({ state: 'detached' });
  await page.reload();
  await page.getByText('my laptop').waitFor();
  assert.ok(!(await page.content()).includes(token));

  await page.getByRole('button', { name: 'Revoke my laptop' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click();
  await page.getByText('revoked', { exact: false }).first().waitFor();
  assert.equal((await me()).status, 401);
});

test('somebody is invited to a team, joins, and may do what its role says from then on', async (t) => {
  const page = await openPage(t, '/settings/teams');
  await page.getByRole('button', { name: 'Add a team' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('Shop');
  await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('heading', { name: 'Shop', level: 1 }).waitFor();
  const teamId = Number(new URL(page.url()).pathname.split('/').at(-1));

  await page.getByRole('button', { name: 'Give a role' }).click();
  const give = page.getByRole('dialog', { name: 'Give Shop a role' });
  await give.getByRole('combobox', { name: 'Role' }).click();
  await page.getByRole('option', { name: 'viewer' }).click();
  await give.getByRole('button', { name: 'Give it' }).click();
  await page.getByRole('table', { name: 'Roles of the team' }).getByText('organization').waitFor();

  await page.getByRole('button', { name: 'Invite somebody' }).click();
  const invite = page.getByRole('dialog', { name: 'Invite somebody' });
  await invite.getByLabel('E-mail address').fill('ada@example.com');
  await invite.getByRole('button', { name: 'Invite', exact: true }).click();
  const link = await page.getByRole('textbox', { name: 'Link of the invitation' }).inputValue();
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.getByRole('table', { name: 'Invitations to the team' }).getByText('Pending').waitFor();
  const { pathname, searchParams } = new URL(link);
  await createApiClient(server.url).post('/users', {
    name: 'Ada Lovelace',
    email: 'ada@example.com',
    password: 'battery-staple-horse',
    invitation_id: /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(pathname)?.[0],
    invitation_token: searchParams.get('token'),
  });
  await page.reload();
  await page.getByRole('table', { name: 'Members of the team' }).getByText('Ada Lovelace').waitFor();

  const colleague = await joinTeam(workplace, teamId);
  const found = () =>
    colleague.api.request('POST', `/projects/${workplace.projectId}/environments`, {
      name: `env-${Date.now()}`,
      type: 'staging',
    });
  assert.equal((await found()).status, 403);
  await page.getByRole('combobox', { name: /^Role on/ }).click();
  await page.getByRole('option', { name: 'admin' }).click();
  await until(async () => (await found()).status === 201, 'the new role to count');
});

test('a role of one own is made of ticked permissions', async (t) => {
  const page = await openPage(t, '/settings/roles');
  await page.getByRole('button', { name: 'Add a role' }).click();
  const form = page.getByRole('dialog', { name: 'Add a role' });
  await form.getByLabel('Name').fill('deployer');
  const application = form.getByRole('group', { name: 'Application' });
  await application.getByLabel('Read').check();
  await application.getByLabel('Deploy').check();
  await form.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('region', { name: 'deployer' }).getByText('2 permissions').waitFor();
  const roles = await workplace.api.get<{ name: string; permissions: string[] }[]>(
    `/organizations/${workplace.organizationId}/roles`,
  );
  const made = roles.find(({ name }) => name === 'deployer');
  assert.deepEqual(made?.permissions.toSorted(), ['application:deploy', 'application:read']);
});

test('a pasted .env file is shown before it is saved, and its secrets are not', async (t) => {
  const application = await createApplication(workplace);
  const variables = `/variables/application/${application.id}`;
  const page = await openPage(t, `/settings/variables?of=application-${application.id}`);
  await page.getByRole('button', { name: 'Paste a .env file' }).click();
  const form = page.getByRole('dialog', { name: 'Paste a .env file' });
  await form
    .getByLabel('Text of the file')
    .fill(
      '# of the shop\nexport NODE_ENV=production # here\nAPI_TOKEN="tok en\\n2"\nGREETING=\'a "b" #c\'\nbroken',
    );
  await form.getByText('Line 5 is not of the form KEY=value.').waitFor();
  assert.equal(await form.getByRole('button', { name: /^Save/ }).isDisabled(), true);
  await form
    .getByLabel('Text of the file')
    .fill('# of the shop\nexport NODE_ENV=production # here\nAPI_TOKEN="tok en\\n2"\nGREETING=\'a "b" #c\'');
  const preview = form.getByRole('table', { name: 'What would be saved' });
  await preview.getByText('GREETING').waitFor();
  assert.doesNotMatch(await preview.innerText(), /tok en/);
  assert.deepEqual(await workplace.api.get(variables), []);
  await form.getByRole('button', { name: 'Save 3 variables' }).click();
  await page.getByRole('grid', { name: 'Variables' }).getByText('GREETING').waitFor();
  const saved = await workplace.api.get<{ key: string; value: string; hidden: boolean }[]>(variables);
  assert.deepEqual(Object.fromEntries(saved.map(({ key, value, hidden }) => [key, hidden ? null : value])), {
    NODE_ENV: 'production',
    API_TOKEN: null,
    GREETING: 'a "b" #c',
  });
});
