import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Access } from '../src/accounts/access.ts';
import { registeredRoutes } from './registered-routes.ts';

/*
 * Writes docs/api.md: every route with what it does and who may call it, from the routes themselves. With `--check` it
 * writes nothing, and ends with 1 when the file says something else.
 */

const file = fileURLToPath(new URL('../docs/api.md', import.meta.url));

/** The text of docs/api.md. */
export async function apiTable(): Promise<string> {
  const rows = (await registeredRoutes()).map(
    ({ method, path, summary, access }) => `| \`${method} ${path}\` | ${summary} | ${describe(access)} |`,
  );
  return `${head}\n${rows.join('\n')}\n`;
}

function describe(access: Access): string {
  if (access === 'public') return 'anyone';
  if (access === 'caller') return 'any token';
  return typeof access === 'object' ? `\`${access.permission}\`` : 'signed in';
}

const head = `# Every call of the API

Made from the routes by \`npx node scripts/api-table.ts\`; a test checks it.

JSON in and out. Send \`Authorization: Bearer <token>\`: an access token from \`POST /api/users/login\`, which lasts a day, a personal
access token or an API token of a project. Bodies, answers and errors in full: \`/docs\` of your installation, made from
\`/api/openapi.json\`. Lists take \`?page=1&per_page=20\` (at most 100) and answer newest first with a \`Link\` header. Errors are
\`{"message": "…", "errors": [{"field": "…", "message": "…"}]}\`, every fault of a body at once. Every answer carries \`x-request-id\`.
What belongs to others is answered 404; a missing permission 403, by its name.

| call | | needs |
|---|---|---|`;

if (import.meta.main) {
  const text = await apiTable();
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error('docs/api.md is not what the routes say: run npx node scripts/api-table.ts');
    process.exitCode = 1;
  }
}
