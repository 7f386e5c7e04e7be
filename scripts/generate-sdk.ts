import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { registerHooks } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { apiDocument } from './api-document.ts';
import { operationsFile } from './operations-table.ts';

/*
 * Writes sdk/src/generated: types, a function and a row of facts for each operation, from the OpenAPI document that the program makes
 * of its routes. With `--check` it writes nothing, and ends with 1 when the folder says something else.
 */

const target = fileURLToPath(new URL('../sdk/src/generated', import.meta.url));

async function generate(folder: string): Promise<void> {
  // The generator builds its code with TypeScript's own library, which version 7 does not have any more.
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier === 'typescript' ? 'typescript-with-api' : specifier, context),
  });
  try {
    const { createClient } = await import('@hey-api/openapi-ts');
    const document = await apiDocument();
    await createClient({
      input: document as unknown as Record<string, unknown>,
      output: { path: folder, module: { extension: '.ts' } },
      plugins: [
        '@hey-api/typescript',
        { name: '@hey-api/sdk', responseStyle: 'data' },
        { name: '@hey-api/client-fetch', baseUrl: false, throwOnError: true },
      ],
      logs: { level: 'silent', file: false },
    });
    await writeFile(join(folder, 'operations.gen.ts'), operationsFile(document));
  } finally {
    hooks.deregister();
  }
}

/** Each file below `folder` with its text. */
async function readFolder(folder: string): Promise<Map<string, string>> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(
      files.sort().map(async (file) => [file.slice(folder.length), await readFile(file, 'utf8')] as const),
    ),
  );
}

if (import.meta.main) {
  const folder = await mkdtemp(join(tmpdir(), 'hookline-sdk-'));
  try {
    await generate(folder);
    if (process.argv.includes('--check')) {
      const [made, kept] = await Promise.all([readFolder(folder), readFolder(target)]);
      const different = [...new Set([...made.keys(), ...kept.keys()])].filter(
        (file) => made.get(file) !== kept.get(file),
      );
      for (const file of different) console.error(`sdk/src/generated${file} is not what the routes say`);
      if (different.length > 0) {
        console.error('Run npm run generate:sdk');
        process.exitCode = 1;
      }
    } else {
      await rm(target, { recursive: true, force: true });
      await cp(folder, target, { recursive: true });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
