import type { Command } from 'commander';
import { environmentEvents, getEnvironment, type EnvironmentEvent } from '#sdk';
import { connectionNotes } from './connection-notes.ts';
import { withClient, type ClientContext } from './context.ts';
import { CliFault } from './fault.ts';
import { plain } from './io.ts';
import { findId } from './lookup.ts';
import { clockTime, momentOf } from './moment.ts';

type TailOptions = {
  only?: string;
  hook?: string;
  pipeline?: string;
  failed?: boolean;
  since?: string;
  follow: boolean;
};

const kinds = { requests: 'request', actions: 'action', deliveries: 'delivery' } as const;

export function registerTail(program: Command): void {
  program
    .command('tail')
    .option('--only <kinds>', 'of requests, actions and deliveries only these, with commas between them')
    .option('--hook <id or name>', 'only requests and deliveries of this hook')
    .option('--pipeline <id or name>', 'only what is about this pipeline')
    .option('--failed', 'only what was refused or has failed')
    .option('--since <time>', 'begin that long ago: 10m, 2h, 1d, or a time in ISO 8601')
    .option('--no-follow', 'end after what has happened up to now; with --since')
    .description('watch everything that happens in an environment, as it happens')
    .addHelpText(
      'after',
      `
One line for each event: the time, what it is, its status, its name, and why. It goes on until ctrl-C, and takes up where
it was when the connection is lost.

Examples:
  $ hookline tail
  $ hookline tail --failed --since 1h
  $ hookline tail --only requests --hook "push to main"
  $ hookline tail --since 1d --no-follow --json | jq 'select(.type == "request") | .data.reason'`,
    )
    .action((options: TailOptions, command: Command) =>
      withClient(command, (context) => tail(context, options)),
    );
}

async function tail(context: ClientContext, options: TailOptions): Promise<void> {
  const { client, io, out, signal } = context;
  const only = options.only === undefined ? null : kindsOf(options.only);
  const since = options.since === undefined ? undefined : momentOf(options.since, io.now());
  const environmentId = await context.environmentId();
  const { name } = await getEnvironment({ client, path: { environment_id: environmentId } });
  const isWanted = await filterOf(context, environmentId, options);
  if (options.follow) out.note(`Environment ${plain(name)}: waiting for events … (ctrl-C ends)`);
  const onConnection = connectionNotes(io, out);
  const events = environmentEvents(environmentId, {
    client,
    signal,
    onConnection,
    follow: options.follow,
    ...(since === undefined ? {} : { since }),
    ...(only ? { kinds: only } : {}),
  });
  for await (const event of events) {
    if (!isWanted(event)) continue;
    // That it waits is of interest to programs; people see what comes of it.
    if (
      !out.isJson &&
      event.type === 'delivery' &&
      event.data.attempt === null &&
      event.data.status === 'pending'
    )
      continue;
    out.event(event, lineOf(context, event));
  }
}

function kindsOf(text: string): EnvironmentEvent['type'][] {
  return text.split(',').map((part) => {
    const name = part.trim();
    const found = Object.entries(kinds).find(([many, one]) => name === many || name === one);
    if (!found)
      throw new CliFault(
        `--only takes ${Object.keys(kinds).join(', ')}; "${name}" is none of them.`,
        'usage',
      );
    return found[1];
  });
}

async function filterOf(
  { client }: ClientContext,
  environmentId: number,
  { hook, pipeline, failed }: TailOptions,
): Promise<(event: EnvironmentEvent) => boolean> {
  const inEnvironment = () => Promise.resolve(environmentId);
  const hookId = hook === undefined ? null : await findId(client, 'hook_id', hook, inEnvironment);
  const pipelineId =
    pipeline === undefined ? null : await findId(client, 'pipeline_id', pipeline, inEnvironment);
  return (event) =>
    (hookId === null || (event.type !== 'action' && event.data.hook_id === hookId)) &&
    (pipelineId === null || event.data.pipeline_id === pipelineId) &&
    (!failed || hasFailed(event));
}

function hasFailed({ type, data }: EnvironmentEvent): boolean {
  if (type === 'request') return data.outcome === 'refused';
  if (type === 'action') return data.status === 'failed';
  return (
    data.status === 'failed' ||
    data.status === 'rejected' ||
    (data.status === 'pending' && data.attempt !== null)
  );
}

const kindWidth = 8;
const statusWidth = 11;

/** `14:03:27  request   accepted     push to main  Action 42 was started.` */
function lineOf({ out }: ClientContext, event: EnvironmentEvent): string {
  const { status, name, told } = partsOf(event);
  const time = out.colour(clockTime(event.data.at), 'dim');
  const padding = ' '.repeat(Math.max(0, statusWidth - status.length));
  return `${time}  ${event.type.padEnd(kindWidth)}  ${out.status(status)}${padding}  ${out.colour(plain(name), 'bold')}  ${plain(told)}`;
}

function partsOf({ type, data }: EnvironmentEvent): { status: string; name: string; told: string } {
  if (type === 'request') {
    const { outcome, action_id } = data;
    const action =
      action_id === null || data.reason.includes(String(action_id)) ? '' : ` (action ${action_id})`;
    return { status: outcome, name: data.hook_name ?? 'a deleted hook', told: data.reason + action };
  }
  if (type === 'action') {
    const name = `#${data.id} ${data.pipeline_name ?? data.type_human_readable}`;
    return { status: data.status, name, told: data.status_reason_human_readable };
  }
  const name = `${data.hook_name ?? 'a deleted hook'}: ${data.event} of #${data.action_id}`;
  const isRetried = data.status === 'pending' && data.attempt !== null;
  const which = data.attempt !== null && data.attempt > 1 ? `attempt ${data.attempt}: ` : '';
  const took = data.duration_ms === null ? '' : ` (${data.duration_ms} ms)`;
  return { status: isRetried ? 'retrying' : data.status, name, told: which + data.reason + took };
}
