import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { ConfigFault } from '../src/platform/config-fault.ts';
import { connect } from '../src/platform/database/connect.ts';
import { migrate } from '../src/platform/database/migrate.ts';
import { sealedColumns } from '../src/platform/database/sealed-columns.ts';
import { AppError } from '../src/platform/errors.ts';
import { ensureKeyFile, replaceKeys, watchKeyFile } from '../src/platform/key-file.ts';
import { createSecretBox, keyId, sealedPrefix, type Keys } from '../src/platform/secret-box.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';

const [old, current, other] = [randomBytes(32), randomBytes(32), randomBytes(32)] as const;
const boxOf = (...keys: Keys) => createSecretBox(() => keys);
const internal = (error: unknown) => error instanceof AppError && error.code === 'internal';

describe('the secret box', () => {
  test('opens what it has sealed, with the purpose that it was sealed for and no other', () => {
    const box = boxOf(current);
    const purposes = fc.constantFrom(...sealedColumns.map(({ purpose }) => purpose));
    fc.assert(
      fc.property(fc.string(), purposes, purposes, (plain, purpose, another) => {
        const sealed = box.seal(plain, purpose);
        assert.equal(box.open(sealed, purpose), plain);
        if (another !== purpose) assert.throws(() => box.open(sealed, another), internal);
      }),
    );
  });

  test('opens nothing that was altered', () => {
    const box = boxOf(current);
    const sealed = box.seal('hunter22', 'variable');
    for (let index = 0; index < sealed.length; index++) {
      const altered = sealed.slice(0, index) + (sealed[index] === 'x' ? 'y' : 'x') + sealed.slice(index + 1);
      // The last character of base64 holds bits that stand for nothing.
      if (Buffer.from(altered, 'base64url').equals(Buffer.from(sealed, 'base64url'))) continue;
      assert.throws(() => box.open(altered, 'variable'), internal, altered);
    }
    for (const cut of ['', 'v1', 'v1...', sealed.slice(0, -30), `${sealedPrefix(keyId(current))}AAAA.AA`]) {
      assert.throws(() => box.open(cut, 'variable'), internal, cut);
    }
  });

  test('seals with the first key and opens with all', () => {
    const sealed = boxOf(old).seal('hunter22', 'variable');
    const box = boxOf(current, old);
    assert.deepEqual(box.keyIds(), [keyId(current), keyId(old)]);
    assert.equal(box.open(sealed, 'variable'), 'hunter22');
    assert.equal(boxOf(current).open(box.seal('hunter23', 'variable'), 'variable'), 'hunter23');
    assert.throws(() => boxOf(other, current).open(sealed, 'variable'), internal);
  });

  test('seals with a new key as soon as there is one, and opens what somebody else has sealed with it', () => {
    let keys: Keys = [old];
    const box = createSecretBox(() => keys);
    const before = box.seal('before', 'variable');
    keys = [current, old];
    assert.equal(box.open(boxOf(current).seal('elsewhere', 'variable'), 'variable'), 'elsewhere');
    assert.ok(box.seal('after', 'variable').startsWith(sealedPrefix(keyId(current))));
    assert.equal(box.open(before, 'variable'), 'before');
  });
});

describe('the key file', () => {
  test('that was replaced is read again, and is never for others to read', (t) => {
    const file = keyFileFor(t);
    ensureKeyFile(file);
    const source = watchKeyFile(file);
    const first = source();
    assert.equal(source(), first);
    replaceKeys(file, [current, ...first]);
    assert.deepEqual(source(), [current, ...first]);
    replaceKeys(file, [current]);
    assert.deepEqual(source(), [current]);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  test('that goes missing or is broken while serving does not take the keys away', (t) => {
    const file = keyFileFor(t);
    replaceKeys(file, [current, old]);
    const source = watchKeyFile(file);
    writeFileSync(file, 'half a ke');
    assert.deepEqual(source(), [current, old]);
    rmSync(file);
    assert.deepEqual(source(), [current, old]);
    replaceKeys(file, [other]);
    assert.deepEqual(source(), [other]);
  });

  test('with a broken line, or none, is refused and left as it is', (t) => {
    const file = keyFileFor(t);
    for (const text of ['', '\n', `${current.toString('base64')}\nhalf a ke\n`]) {
      writeFileSync(file, text);
      assert.throws(() => {
        ensureKeyFile(file);
        watchKeyFile(file);
      }, ConfigFault);
      assert.equal(readFileSync(file, 'utf8'), text);
    }
  });
});

for (const kind of databaseKinds) {
  test(`every sealed column of the database is one that a rotation re-encrypts, on ${kind}`, async () => {
    const database = await createTestDatabase(kind);
    const connection = await connect({
      databaseUrl: database.env.DATABASE_URL ?? null,
      dataDirectory: database.env.HOOKLINE_DATA ?? '',
    });
    try {
      await migrate(connection);
      const tables = await connection.db.introspection.getTables();
      const sealed = tables.flatMap(({ name, columns }) =>
        columns.filter((column) => column.name.endsWith('_sealed')).map((column) => `${name}.${column.name}`),
      );
      assert.deepEqual(
        sealed.sort(),
        sealedColumns.map(({ table, column }) => `${table}.${column}`).sort(),
        'src/platform/database/sealed-columns.ts names other columns than the database has',
      );
    } finally {
      await connection.close();
      await database.drop();
    }
  });
}

function keyFileFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'hookline-key-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'secret.key');
}
