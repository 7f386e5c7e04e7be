import type { Access } from '../accounts/access.ts';
import type { Permission } from '../accounts/permissions.ts';
import type { ApiRoute } from '../openapi/collect-routes.ts';
import { tagOf } from '../openapi/tags.ts';
import type { CallApi } from './api-calls.ts';
import { callOperation } from './call-operation.ts';
import { logInput, logOutput, readLog } from './read-log.ts';
import { inputOf, outputOf, type ObjectSchema } from './tool-schema.ts';
import { notTools, toolRows, type ToolRow } from './tool-rows.ts';
import type { ToolAnswer } from './tool-answer.ts';

type Annotations = {
  title: string;
  readOnlyHint: boolean;
  destructiveHint: boolean;
  idempotentHint: boolean;
  openWorldHint: boolean;
};

/** What running a tool needs beside its arguments. */
export type ToolContext = {
  call: CallApi;
  signal: AbortSignal;
  sleep(ms: number): Promise<void>;
  now(): number;
  progress(message: string, progress: number): Promise<void>;
};

export type Tool = {
  name: string;
  description: string;
  inputSchema: ObjectSchema;
  outputSchema: ObjectSchema;
  annotations: Annotations;
  /** As the reference groups operations: `hooks`, `actions`; null for what goes with each of them. */
  toolset: string | null;
  /** Who is shown it: whoever has these permissions somewhere, a person alone, or anybody with a token. */
  needs: Permission[] | 'person' | 'token';
  /** The operation that it is made from; null for one that joins several. */
  operationId: string | null;
  run(args: Record<string, unknown>, context: ToolContext): Promise<ToolAnswer>;
};

/** The tools that the routes are, in their order. */
export function toolsOf(routes: ApiRoute[]): Tool[] {
  return routes.flatMap((route) => {
    const id = route.schema.operationId ?? '';
    if (Object.hasOwn(notTools, id) || isStream(route)) return [];
    return (toolRows[id] ?? [{}]).map((row) => toolOf(route, row));
  });
}

function toolOf(route: ApiRoute, row: ToolRow): Tool {
  const { schema: given, places } = inputOf(route, row);
  const { kind, schema: answers } = outputOf(route);
  const name = row.name ?? nameOf(route.schema.operationId ?? '');
  return {
    name,
    description: descriptionOf(route, row),
    inputSchema: row.isLog ? logInput(given) : given,
    outputSchema: row.isLog ? logOutput : answers,
    annotations: annotationsOf(route, row),
    toolset: toolsetOf(route.path),
    needs: row.needs ? [row.needs] : needsOf(route.config.access),
    operationId: route.schema.operationId ?? null,
    run: row.isLog
      ? (args, { call }) => readLog({ call, route }, args)
      : (args, { call }) => callOperation({ call, route, row, schema: given, places, kind }, args),
  };
}

/** What does not end by itself cannot be the answer of a tool. */
function isStream({ schema }: ApiRoute): boolean {
  return Object.values(schema.response ?? {}).some((answer) => answer.content?.['text/event-stream']);
}

/** `listEnvironmentHooks` is `list_environment_hooks`. */
function nameOf(operationId: string): string {
  return operationId.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** What is of use only together. */
const joinedToolsets: Record<string, string> = {
  'hook-requests': 'hooks',
  invitations: 'teams',
  links: 'applications',
  permissions: 'roles',
};

/** The last part of the address that is a tag of the reference: `hooks` of `/pipelines/{pipeline_id}/hooks`. */
function toolsetOf(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && !part.startsWith('{'));
  const last = parts.findLast((part) => tagOf(`/${part}`).description !== undefined) ?? parts[0];
  const word = tagOf(`/${last}`).name.toLowerCase().replaceAll(' ', '-');
  return joinedToolsets[word] ?? word;
}

function descriptionOf({ schema, config }: ApiRoute, row: ToolRow): string {
  const sentences = [
    row.summary ?? schema.summary,
    row.about ?? schema.description,
    row.hint,
    permissionOf(config.access),
  ];
  return sentences
    .filter((sentence) => sentence !== undefined && sentence !== '')
    .map((sentence) => (/[.!?…]$/.test(sentence!) ? sentence : `${sentence}.`))
    .join(' ');
}

function permissionOf(access: Access | undefined): string {
  return typeof access === 'object' ? `Needs the permission ${access.permission}.` : '';
}

function needsOf(access: Access | undefined): Tool['needs'] {
  if (typeof access === 'object') return [access.permission];
  return access === 'user' ? 'person' : 'token';
}

function annotationsOf({ method, schema }: ApiRoute, row: ToolRow): Annotations {
  const isReading = method === 'get' || (row.isReading ?? false);
  return {
    title: row.summary ?? schema.summary ?? '',
    readOnlyHint: isReading,
    destructiveHint: !isReading && (method === 'delete' || method === 'put' || (row.isDestructive ?? false)),
    idempotentHint: isReading || method === 'put' || method === 'delete' || (row.isIdempotent ?? false),
    openWorldHint: row.isOpenWorld ?? false,
  };
}
