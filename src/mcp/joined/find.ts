import { jsonOf, type ApiAnswer, type CallApi } from '../api-calls.ts';
import { unknownArguments } from '../call-operation.ts';
import { argumentFault, refusalOf } from '../tool-answer.ts';
import type { Tool } from '../tools.ts';

type Found = {
  kind: string;
  id: number | string;
  name: string;
  environment_id: number | null;
  environment: string | null;
  project: string;
};
type Named = { id: number; name: string };

const mostEnvironments = 20;
const mostFound = 50;

/** The lists of an environment by kind; `isFiltered`: it looks for a part of the name itself. */
const lists = [
  { kind: 'application', path: 'applications', isFiltered: true, nameOf: (row: Row) => row.name },
  { kind: 'server', path: 'servers', isFiltered: false, nameOf: (row: Row) => row.hostname ?? row.name },
  { kind: 'pipeline', path: 'pipelines', isFiltered: true, nameOf: (row: Row) => row.name },
  { kind: 'hook', path: 'hooks', isFiltered: true, nameOf: (row: Row) => row.name },
] as const;
type Row = { id: number | string; name: string; hostname?: string; type?: string };

const nullable = (type: string) => ({ anyOf: [{ type }, { type: 'null' }] });

export const find: Tool = {
  name: 'find',
  description:
    'Find projects, environments, applications, servers, pipelines and hooks by a part of their name, with their ids. Without `text` it lists everything, which is the quickest way to learn what there is. Start here when a person names something.',
  inputSchema: {
    type: 'object',
    properties: {
      text: {
        type: 'string',
        maxLength: 60,
        description: 'A part of the name; upper and lower case are the same.',
      },
      kind: {
        type: 'string',
        enum: ['project', 'environment', ...lists.map(({ kind }) => kind)],
        description: 'Only this kind.',
      },
      environment_id: { type: 'integer', minimum: 1, description: 'Only within this environment.' },
    },
    additionalProperties: false,
  },
  outputSchema: {
    type: 'object',
    properties: {
      items: {
        type: 'array',
        items: {
          type: 'object',
          properties: {
            kind: { type: 'string', description: 'Of a hook `incoming_hook` or `outgoing_hook`.' },
            id: { anyOf: [{ type: 'integer' }, { type: 'string' }] },
            name: { type: 'string' },
            environment_id: nullable('integer'),
            environment: nullable('string'),
            project: { type: 'string' },
          },
          required: ['kind', 'id', 'name', 'environment_id', 'environment', 'project'],
        },
      },
    },
    required: ['items'],
  },
  annotations: {
    title: 'Find something by its name',
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  toolset: null,
  needs: 'token',
  operationId: null,
  async run(args, { call }) {
    const unknown = unknownArguments(args, Object.keys(find.inputSchema.properties));
    if (unknown) return unknown;
    const { text = '', kind, environment_id: environmentId } = args;
    if (typeof text !== 'string') return argumentFault([{ field: 'text', message: 'must be a text' }]);
    const kinds = find.inputSchema.properties['kind']?.enum ?? [];
    if (kind !== undefined && !kinds.includes(kind))
      return argumentFault([{ field: 'kind', message: `must be one of ${kinds.join(', ')}` }]);
    if (environmentId !== undefined && !/^[1-9]\d{0,14}$/.test(String(environmentId)))
      return argumentFault([{ field: 'environment_id', message: 'must be the id of an environment' }]);
    const projects = await call({ method: 'GET', path: '/projects', query: { per_page: 100 } });
    if (!projects.isOk) return refusalOf(projects);
    const items: Found[] = [];
    const matches = (name: string) => name.toLowerCase().includes(text.toLowerCase());
    const wants = (one: string) => kind === undefined || kind === one;
    let environments = 0;
    const leftOut = new Set<string>();
    for (const project of rowsOf<Named>(projects)) {
      if (wants('project') && environmentId === undefined && matches(project.name))
        items.push({ ...shown('project', project), project: project.name });
      const inside = await listAll<Named>(call, `/projects/${project.id}/environments`);
      if (!inside) continue;
      for (const environment of inside) {
        if (environmentId !== undefined && environment.id !== Number(environmentId)) continue;
        const place = {
          environment_id: environment.id,
          environment: environment.name,
          project: project.name,
        };
        if (wants('environment') && matches(environment.name))
          items.push({ ...shown('environment', environment), ...place });
        if ((environments += 1) > mostEnvironments || items.length > mostFound) {
          leftOut.add('environments');
          continue;
        }
        for (const list of lists.filter((one) => wants(one.kind))) {
          const query = list.isFiltered && text !== '' ? { 'filter[name]': text } : {};
          const rows = await listAll<Row>(call, `/environments/${environment.id}/${list.path}`, query);
          if (!rows) leftOut.add(list.path);
          for (const row of rows ?? []) {
            const name = list.nameOf(row);
            const shownKind =
              list.kind === 'hook' ? `${row.type === 'in' ? 'incoming' : 'outgoing'}_hook` : list.kind;
            if (matches(name)) items.push({ ...shown(shownKind, { id: row.id, name }), ...place });
          }
        }
      }
    }
    return { value: { items: items.slice(0, mostFound) }, note: noteOf(items.length, leftOut) };
  },
};

function shown(kind: string, { id, name }: { id: number | string; name: string }) {
  return { kind, id, name, environment_id: null, environment: null };
}

function noteOf(found: number, leftOut: Set<string>): string | undefined {
  const sentences = [
    ...(found > mostFound
      ? [`The first ${mostFound} of more; give more of the name, a kind or an environment.`]
      : []),
    ...(leftOut.has('environments')
      ? ['Not every environment was looked through: give environment_id.']
      : []),
    ...[...leftOut]
      .filter((path) => path !== 'environments')
      .map((path) => `The token may not see the ${path} of every environment.`),
  ];
  return sentences.join(' ') || undefined;
}

/** The first hundred; null where the token may not look. */
async function listAll<One>(call: CallApi, path: string, query: object = {}): Promise<One[] | null> {
  const answer = await call({ method: 'GET', path, query: { per_page: 100, ...query } });
  return answer.isOk ? rowsOf<One>(answer) : null;
}

function rowsOf<One>(answer: ApiAnswer): One[] {
  // Safe: lists of the API are arrays of what their schema says.
  return jsonOf(answer) as One[];
}
