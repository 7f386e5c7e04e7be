import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openCli } from './support/cli.ts';
import { openWorkplace, type Workplace } from './support/fixtures.ts';
import { fillEnvironment, fullSecrets } from './support/full-environment.ts';
import { startServer, type TestServer } from './support/server.ts';

describe('an environment as one file', () => {
  let server: TestServer;
  let workplace: Workplace;
  let connection: Record<string, string>;

  before(async () => {
    server = await startServer({ env: { HOOKLINE_ROLE: 'api' } });
    workplace = await openWorkplace(server);
    connection = { HOOKLINE_URL: server.url, HOOKLINE_TOKEN: workplace.api.token! };
  });
  after(() => server.stop());

  const newEnvironment = async (name: string): Promise<Workplace> => {
    const { api, projectId } = workplace;
    const { id } = await api.post<{ id: number }>(`/projects/${projectId}/environments`, {
      name,
      type: 'staging',
    });
    return { ...workplace, environmentId: id };
  };
  const inEnvironment = ({ environmentId }: Workplace) => ({
    ...connection,
    HOOKLINE_ENVIRONMENT: String(environmentId),
  });

  test('exported, applied to an empty environment and exported again it is the same, byte for byte', async (t) => {
    const from = await newEnvironment('everything');
    await fillEnvironment(from);
    const cli = openCli(t, inEnvironment(from));
    const path = join(cli.folder, 'hookline.yaml');
    await cli.succeed(['export', '-o', path]);
    const text = readFileSync(path, 'utf8');
    if (process.env['SHOW']) console.log(text);
    for (const [name, secret] of Object.entries(fullSecrets))
      assert.ok(!text.includes(secret), `the file holds no secret: ${name}`);
    const same = await cli.succeed(['apply', '-f', path, '--dry-run']);
    assert.match(same.stdout, /The environment is as the file says\./);

    const to = await newEnvironment('a copy');
    const there = inEnvironment(to);
    const refused = await cli.run(['apply', '-f', path, '--yes'], { env: there });
    if (process.env['SHOW']) console.log(refused.stderr);
    const values = Object.fromEntries(
      [...text.matchAll(/env: (\w+)/g)].map(([, name]) => [name, valueFor(name!)]),
    );
    const made = await cli.succeed(['apply', '-f', path, '--yes'], { env: { ...there, ...values } });
    if (process.env['SHOW']) console.log(made.stdout);
    const again = await cli.succeed(['export'], { env: there });
    assert.equal(again.stdout, text);
    const nothing = await cli.succeed(['apply', '-f', path, '--yes'], { env: there });
    assert.match(nothing.stdout, /The environment is as the file says\./);
  });
});

/** What a reference in the file of `fillEnvironment` leads to, by its name. */
function valueFor(name: string): string {
  if (name.endsWith('CLIENT_KEY')) return fullSecrets.clientKey;
  if (name.endsWith('_URL')) return fullSecrets.url;
  if (name.endsWith('_AUTHORIZATION')) return fullSecrets.header;
  // Of Standard Webhooks, whose form says so.
  return /_(OWN|SIGNED|STANDARD_SAYS)_SECRET$/.test(name)
    ? fullSecrets.signing
    : `value-of-${name.toLowerCase()}`;
}
