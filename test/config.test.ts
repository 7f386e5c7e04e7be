import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { openKeys, readConfig } from '../src/config.ts';
import { ConfigFault } from '../src/platform/config-fault.ts';
import { startServer } from './support/server.ts';

const KEY = 'a'.repeat(64);

function faultsOf(env: Record<string, string>): string[] {
  try {
    readConfig(env);
  } catch (error) {
    assert.ok(error instanceof ConfigFault, String(error));
    return error.message.split('\n');
  }
  return assert.fail(`${JSON.stringify(env)} was taken`);
}

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'hookline-config-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('the configuration', () => {
  test('needs nothing: every setting has the default that is documented', () => {
    const { config } = readConfig({});
    assert.deepEqual(
      {
        host: config.host,
        port: config.port,
        role: config.role,
        databaseUrl: config.databaseUrl,
        egressAllow: config.egressAllow,
        trustProxy: config.trustProxy,
      },
      { host: '127.0.0.1', port: 8080, role: 'all', databaseUrl: null, egressAllow: [], trustProxy: [] },
    );
    assert.equal(config.adminEmail, 'admin@localhost');
    assert.equal(config.maxBodyBytes, 26_214_400);
    assert.equal(config.retentionDays, 30);
    assert.equal(config.logLevel, 'info');
    assert.ok(config.dataDirectory.endsWith('/data'));
  });

  test('takes what is set, and an empty value as not set', () => {
    const { config } = readConfig({
      PORT: '0',
      HOOKLINE_URL: 'https://hooks.example.com//',
      HOOKLINE_EGRESS_ALLOW: ' 10.0.0.0/8, ::1 ,',
      HOOKLINE_ROLE: '',
    });
    assert.equal(config.port, 0);
    assert.equal(config.publicUrl, 'https://hooks.example.com');
    assert.deepEqual(config.egressAllow, ['10.0.0.0/8', '::1']);
    assert.equal(config.role, 'all');
  });

  test('refuses an unknown HOOKLINE_ variable and names the one that was meant', () => {
    assert.match(
      faultsOf({ HOOKLINE_EGRES_ALLOW: '10.0.0.0/8' })[0]!,
      /HOOKLINE_EGRES_ALLOW.*HOOKLINE_EGRESS_ALLOW/,
    );
    assert.match(faultsOf({ HOOKLINE_MAX_BODY: '1' })[0]!, /did you mean HOOKLINE_MAX_BODY_BYTES/);
    assert.match(faultsOf({ HOOKLINE_ZZZ: '1' })[0]!, /HOOKLINE_ZZZ/);
    assert.doesNotThrow(() => readConfig({ PATH: '/bin', HOOK: 'x', hookline_x: 'y' }));
  });

  const bad: [name: string, value: string][] = [
    ['PORT', 'eighty'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['HOOKLINE_URL', 'hooks.example.com'],
    ['HOOKLINE_URL', 'ftp://hooks.example.com'],
    ['DATABASE_URL', 'mysql://localhost/x'],
    ['HOOKLINE_SECRET_KEY', 'short'],
    ['HOOKLINE_ROLE', 'boss'],
    ['HOOKLINE_EGRESS_ALLOW', '10.0.0.0/8,everywhere'],
    ['HOOKLINE_EGRESS_ALLOW', '10.0.0.0/33'],
    ['HOOKLINE_MAX_BODY_BYTES', '10'],
    ['HOOKLINE_TRUST_PROXY', 'true'],
    ['HOOKLINE_RETENTION_DAYS', '0'],
    ['HOOKLINE_LOG_LEVEL', 'loud'],
  ];
  for (const [name, value] of bad) {
    test(`refuses ${name}=${value}, naming the variable`, () => {
      const faults = faultsOf({ [name]: value });
      assert.equal(faults.length, 1);
      assert.ok(faults[0]?.startsWith(name), faults.join());
    });
  }

  test('names every fault at once', () => {
    const faults = faultsOf({
      HOOKLINE_NONSENSE: '1',
      PORT: 'x',
      HOOKLINE_ROLE: 'y',
      HOOKLINE_LOG_LEVEL: 'z',
    });
    assert.deepEqual(faults.map((fault) => fault.split(/[ :]/)[0]).sort(), [
      'HOOKLINE_LOG_LEVEL',
      'HOOKLINE_NONSENSE',
      'HOOKLINE_ROLE',
      'PORT',
    ]);
  });

  test('names a missing key for PostgreSQL along with every other fault', () => {
    assert.match(
      faultsOf({ DATABASE_URL: 'postgres://localhost/x' }).join('\n'),
      /HOOKLINE_SECRET_KEY is required/,
    );
    const faults = faultsOf({ DATABASE_URL: 'postgres://localhost/x', PORT: 'x' });
    assert.equal(faults.length, 2, faults.join('\n'));
    assert.doesNotThrow(() =>
      readConfig({ DATABASE_URL: 'postgres://localhost/x', HOOKLINE_SECRET_KEY: KEY }),
    );
  });

  test('takes a key in hex, base64 or base64url, and no other length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 64 }), (bytes) => {
        const key = Buffer.from(bytes);
        const [hex, base64, base64url] = [
          key.toString('hex'),
          key.toString('base64'),
          key.toString('base64url'),
        ];
        for (const text of [hex, base64, base64url]) {
          fc.pre(text !== '');
          if (key.length === 32)
            assert.deepEqual(readConfig({ HOOKLINE_SECRET_KEY: text }).config.secretKeys, [key]);
        }
        // 32 bytes in base64 are 43 or 44 characters, in hex 64; a text of 48 hex digits would be base64 of 36 bytes.
        if (key.length !== 32)
          assert.throws(() => readConfig({ HOOKLINE_SECRET_KEY: base64 || 'x' }), ConfigFault);
      }),
      { numRuns: 300 },
    );
  });

  test('is shown with its sources and without its secrets', () => {
    const secrets = {
      HOOKLINE_SECRET_KEY: KEY,
      DATABASE_URL: 'postgres://me:hunter22@db/x',
      HOOKLINE_ADMIN_PASSWORD: 'hunter23',
    };
    const { rows } = readConfig({ ...secrets, PORT: '9000' });
    const shown = JSON.stringify(rows);
    for (const secret of [KEY, 'hunter22', 'hunter23'])
      assert.ok(!shown.includes(secret), `${secret} is shown`);
    const port = rows.find(({ name }) => name === 'PORT');
    assert.equal(port?.value, '9000');
    assert.equal(port?.source, 'environment');
    assert.equal(rows.find(({ name }) => name === 'HOOKLINE_HOST')?.source, 'default');
    for (const row of rows) assert.ok(row.meaning.length > 0);
  });

  test('a fault names no secret value', () => {
    const faults = faultsOf({ HOOKLINE_SECRET_KEY: 'hunter22', DATABASE_URL: 'mysql://me:hunter23@db' }).join(
      '\n',
    );
    assert.doesNotMatch(faults, /hunter/);
  });
});

describe('the key file', () => {
  test('is made once, for its owner alone, and read again', (t) => {
    const folder = join(folderFor(t), 'new');
    const { config } = readConfig({ HOOKLINE_DATA: folder });
    const keys = openKeys(config)();
    assert.deepEqual(
      keys.map((key) => key.length),
      [32],
    );
    assert.equal(statSync(join(folder, 'secret.key')).mode & 0o777, 0o600);
    assert.deepEqual(openKeys(config)(), keys);
  });

  test('that is broken is not replaced, which would lose every secret', (t) => {
    const folder = folderFor(t);
    writeFileSync(join(folder, 'secret.key'), 'broken\n');
    const { config } = readConfig({ HOOKLINE_DATA: folder });
    assert.throws(() => openKeys(config), ConfigFault);
    assert.equal(readFileSync(join(folder, 'secret.key'), 'utf8'), 'broken\n');
  });
});

test('the program ends with every fault in words, and without a stack trace', async () => {
  await assert.rejects(startServer({ env: { PORT: 'x', HOOKLINE_NONSENSE: '1' } }), (error: Error) => {
    assert.match(error.message, /PORT: "x" is not a whole number/);
    assert.match(error.message, /HOOKLINE_NONSENSE is not a setting/);
    assert.doesNotMatch(error.message, /node:internal|\bat .*\.ts:\d+/);
    return true;
  });
});
