import { Option, type Command } from 'commander';
import { addPipelineAction, getActionLogs } from '#sdk';
import { withClient } from './context.ts';
import { CliFault } from './fault.ts';
import { collect } from './field-values.ts';
import { followAction } from './follow.ts';
import { createLogCleaner } from './log-text.ts';
import { findId, type PathSource } from './lookup.ts';
import type { ClientContext } from './context.ts';

type RunOptions = {
  var?: string[];
  branch?: string;
  tag?: string;
  commit?: string;
  server?: string[];
  comment?: string;
  follow?: boolean;
  color: boolean;
};

/** What is more than an operation: running, reading and watching. */
export function addActionCommands(group: Command): void {
  group
    .command('run')
    .argument('<pipeline>', 'id or name')
    .description('run a pipeline by hand')
    .addOption(new Option('--branch <name>', 'instead of the default branch').conflicts(['tag', 'commit']))
    .addOption(new Option('--tag <name>', 'a tag').conflicts('commit'))
    .option('--commit <hash>', 'a commit, by its full hash')
    .option('--var <name=value>', 'what the steps get as HOOKLINE_VAR_<NAME>; can be repeated', collect)
    .option('--server <id or name>', 'instead of those it is linked to; can be repeated', collect)
    .option('--comment <text>', 'why')
    .option('--follow', 'show the output until it ends; the exit code tells how it ended')
    .option('--no-color', 'without the colours of the output')
    .addHelpText(
      'after',
      `
With --follow the program ends with 0 when the action has completed, with 6 when it has not, and ctrl-C leaves
the action running.

Examples:
  $ hookline actions run deploy --follow
  $ hookline actions run deploy --branch main --var region=eu --var dry_run=1
  $ hookline actions run 7 --tag v1.2.0 --comment "The fix for the checkout" --json`,
    )
    .action((pipeline: string, options: RunOptions, command: Command) =>
      withClient(command, async (context) => {
        const { client, out } = context;
        const source = environmentOf(context);
        const action = await addPipelineAction({
          client,
          path: { pipeline_id: Number(await findId(client, 'pipeline_id', pipeline, source)) },
          body: {
            ...sourceOf(options),
            ...(options.var ? { variables: variablesOf(options.var) } : {}),
            ...(options.comment === undefined ? {} : { trigger_comment: options.comment }),
            ...(options.server
              ? {
                  servers: await Promise.all(
                    options.server.map(async (text) =>
                      Number(await findId(client, 'server_id', text, source)),
                    ),
                  ),
                }
              : {}),
          },
        });
        if (options.follow) return await followAction(context, action.id, { colours: options.color });
        if (out.isJson) out.json(action);
        else out.line(`Action ${action.id} has started. Watch it: hookline actions watch ${action.id}`);
      }),
    );
  group
    .command('logs')
    .argument('<action>', 'id')
    .description('show the output of an action')
    .option('-f, --follow', 'go on until it ends')
    .option('--step <order>', 'of one step only')
    .option('--no-color', 'without the colours of the output')
    .addHelpText(
      'after',
      `
Examples:
  $ hookline actions logs 42
  $ hookline actions logs 42 -f
  $ hookline actions logs 42 --step 2 --no-color > build.log`,
    )
    .action((id: string, options: { follow?: boolean; step?: string; color: boolean }, command: Command) =>
      withClient(command, async (context) => {
        const { client, out, io } = context;
        const action_id = Number(await findId(client, 'action_id', id, environmentOf(context)));
        if (options.step !== undefined && !/^[1-9]\d{0,5}$/.test(options.step))
          throw new CliFault('--step is the order of a step, from 1.', 'usage');
        if (options.follow && options.step !== undefined)
          throw new CliFault('Only one of --follow and --step.', 'usage');
        if (options.follow)
          return await followAction(context, action_id, { colours: options.color, exitCode: false });
        const hasColours = options.color && io.isTerminal && !io.env['NO_COLOR'];
        const text = await getActionLogs({
          client,
          path: { action_id },
          query: {
            colours: hasColours ? 'keep' : 'strip',
            ...(options.step === undefined ? {} : { step: Number(options.step) }),
          },
        });
        if (out.isJson) return out.json({ action_id, output: text });
        const clean = createLogCleaner(hasColours)(text);
        out.raw(clean === '' || clean.endsWith('\n') ? clean : `${clean}\n`);
      }),
    );
  group
    .command('watch')
    .argument('<action>', 'id')
    .description('watch an action: each of its steps, until it ends')
    .option('--no-color', 'without colours')
    .addHelpText(
      'after',
      `
The exit code tells how the action ended: 0 completed, 6 not.

Examples:
  $ hookline actions watch 42
  $ hookline actions watch 42 --json | jq -c .type`,
    )
    .action((id: string, options: { color: boolean }, command: Command) =>
      withClient(command, async (context) => {
        const action = Number(await findId(context.client, 'action_id', id, environmentOf(context)));
        await followAction(context, action, { colours: options.color, output: false });
      }),
    );
}

/** Names are looked up in the environment. */
export function environmentOf({ environmentId }: ClientContext): PathSource {
  return async (name) => {
    if (name === 'environment_id') return await environmentId();
    throw new Error(`No source for ${name}`);
  };
}

/** `name=value` pairs. Throws a CliFault. */
export function variablesOf(pairs: string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new CliFault(`--var ${pair}: give it as name=value.`, 'usage');
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

function sourceOf({ branch, tag, commit }: RunOptions) {
  if (branch !== undefined) return { source_type: 'branch' as const, source_ref: branch };
  if (tag !== undefined) return { source_type: 'tag' as const, source_ref: tag };
  return commit === undefined ? {} : { source_type: 'commit' as const, source_ref: commit };
}
