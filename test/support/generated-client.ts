import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { registerHooks } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { OpenApiDocument } from './openapi-document.ts';

export type CallInput = {
  path?: Record<string, unknown>;
  query?: Record<string, unknown>;
  body?: unknown;
  headers?: Record<string, string>;
  /** Sent as it is, in place of `body`. */
  rawBody?: string;
};

export type CallAnswer = {
  status: number;
  headers: Headers;
  /** Parsed when the answer is JSON, else its text; undefined when empty. */
  body: unknown;
};

export type GeneratedClient = {
  /** The names of the functions that were generated. */
  functions: string[];
  /** Calls the function of an operation; `token` is sent as Bearer when given. */
  call(operationId: string, input: CallInput, token?: string): Promise<CallAnswer>;
  /** What the project's TypeScript says against the generated code; empty when nothing. */
  typeFaults(): Promise<string>;
  remove(): Promise<void>;
};

/** Generates a TypeScript client from `document` into a temporary folder and imports it. */
export async function generateClient(document: OpenApiDocument): Promise<GeneratedClient> {
  const folder = await mkdtemp(join(tmpdir(), 'hookline-client-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await writeFile(join(folder, 'package.json'), '{"type": "module"}');
    await generate(document, join(folder, 'client'));
    const sdk = (await import(join(folder, 'client', 'sdk.gen.ts'))) as Record<string, unknown>;
    return {
      functions: Object.keys(sdk),
      call: (operationId, input, token) => callFunction(sdk[operationId], operationId, input, token),
      typeFaults: () => typeFaults(folder),
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function generate(document: OpenApiDocument, path: string): Promise<void> {
  // The generator builds its code with TypeScript's own library, which version 7 does not have any more.
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier === 'typescript' ? 'typescript-with-api' : specifier, context),
  });
  try {
    const { createClient } = await import('@hey-api/openapi-ts');
    await createClient({
      input: document as Record<string, unknown>,
      output: { path, module: { extension: '.ts' } },
      plugins: ['@hey-api/typescript', '@hey-api/sdk', { name: '@hey-api/client-fetch', baseUrl: true }],
      logs: { level: 'silent', file: false },
    });
  } finally {
    hooks.deregister();
  }
}

async function callFunction(
  generated: unknown,
  operationId: string,
  { rawBody, ...input }: CallInput,
  token: string | undefined,
): Promise<CallAnswer> {
  if (typeof generated !== 'function') throw new Error(`The client has no function ${operationId}.`);
  let answer: Promise<CallAnswer> | undefined;
  const result: unknown = await generated({
    ...input,
    sseMaxRetryAttempts: 1,
    ...(rawBody === undefined ? {} : { body: rawBody, bodySerializer: (body: unknown) => body }),
    auth: token,
    fetch: async (request: Request) => {
      const response = await fetch(request);
      answer = readAnswer(response.clone());
      return response;
    },
  });
  // A stream of events is asked for when the first one is.
  const stream = isStream(result) ? result.stream : null;
  await stream?.next().catch(() => undefined);
  if (!answer) throw new Error(`${operationId} has sent nothing.`);
  const whole = await answer;
  await stream?.return(undefined);
  return whole;
}

function isStream(result: unknown): result is { stream: AsyncGenerator } {
  return typeof result === 'object' && result !== null && 'stream' in result;
}

async function readAnswer(response: Response): Promise<CallAnswer> {
  const text = await response.text();
  const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
  const body: unknown = text === '' ? undefined : isJson ? JSON.parse(text) : text;
  return { status: response.status, headers: response.headers, body };
}

async function typeFaults(folder: string): Promise<string> {
  const compilerOptions = {
    target: 'esnext',
    lib: ['esnext', 'dom', 'dom.iterable'],
    module: 'nodenext',
    types: [],
    strict: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
    noEmit: true,
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['client'] }));
  const found = await readdir(join(folder, 'client'));
  if (found.length === 0) throw new Error('Nothing was generated.');
  const tsc = join(import.meta.dirname, '..', '..', 'node_modules', '.bin', 'tsc');
  return await promisify(execFile)(tsc, ['-p', folder]).then(
    () => '',
    (error: { stdout: string }) => error.stdout,
  );
}
