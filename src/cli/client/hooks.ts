import type { Command } from 'commander';
import {
  getApplication,
  getHook,
  getPipeline,
  HooklineError,
  sampleEvent,
  sampleEventNames,
  signWebhook,
  testIncomingHook,
  triggerHook,
  type Hook,
  type HookTryOut,
  type SampleEvent,
} from '#sdk';
import { collect, environmentOf } from './actions.ts';
import { withClient, type ClientContext } from './context.ts';
import { CliFault, exitCodes } from './fault.ts';
import { readSource } from './field-values.ts';
import { followAction } from './follow.ts';
import { headersOf } from './headers.ts';
import { plain, type Io } from './io.ts';
import { findId } from './lookup.ts';
import { cellText } from './table.ts';

type PayloadOptions = {
  event?: string;
  header?: string[];
  repository?: string;
  branch?: string;
  tag?: string;
  commit?: string;
};

/** What is more than an operation: trying a hook out, and sending it what its sender would send. */
export function addHookCommands(group: Command): void {
  addPayloadOptions(
    group
      .command('test')
      .argument('<hook>', 'id or name, of an incoming hook')
      .argument('[payload]', 'a file with the body, "-" for standard input; a sample of --event if left out')
      .description('show what a payload would yield, condition by condition, without running anything')
      .option('--request <id>', 'try a request again that the hook has received')
      .option('--query <text>', 'what stands behind the "?" of the address: env=prod'),
  )
    .addHelpText(
      'after',
      `
The program ends with 0 when the payload would start the pipeline, and with 6 when it would not.

Examples:
  $ hookline hooks test push payload.json
  $ hookline hooks test push --event tag --tag v1.2.0
  $ hookline hooks test push --request 01938f2c-7b1d-7c5a-9f3e-6a4b2c1d0e9f
  $ hookline hooks test push - -H "X-GitHub-Event: push" < payload.json`,
    )
    .action(
      (
        text: string,
        payload: string | undefined,
        options: PayloadOptions & { request?: string; query?: string },
        command: Command,
      ) =>
        withClient(command, async (context) => {
          const { client, out } = context;
          if (options.request !== undefined && (payload !== undefined || options.event !== undefined))
            throw new CliFault('With --request there is no other payload.', 'usage');
          const hook = await readIncomingHook(context, text);
          const sent =
            options.request === undefined ? await payloadOf(context, hook, payload, options) : null;
          const found = await testIncomingHook({
            client,
            path: { hook_id: hook.id },
            body: {
              ...(sent ? { body: sent.body, headers: sent.headers } : {}),
              ...(options.request === undefined ? {} : { hook_request_id: options.request }),
              ...(options.query === undefined ? {} : { query: options.query }),
            },
          });
          if (out.isJson) out.json(found);
          else await showTryOut(context, found, sent !== null && options.header === undefined);
          if (found.outcome !== 'accepted') context.setExitCode(exitCodes.notSucceeded);
        }),
    );
  addPayloadOptions(
    group
      .command('send')
      .argument('<hook>', 'id or name, of an incoming hook')
      .argument('[payload]', 'a file with the body, "-" for standard input; a sample of --event if left out')
      .description('sign a payload as the sender of a hook does, and send it there')
      .option(
        '--secret-stdin',
        'read the secret from standard input; else it is in HOOKLINE_HOOK_SECRET, or asked for',
      )
      .option('--follow', 'show the output of what it starts; the exit code tells how that ended')
      .option('--no-color', 'without the colours of the output'),
  )
    .addHelpText(
      'after',
      `
The secret of a hook is shown once, when it is made; "hookline hooks rotate-secret" makes another one. The program
ends with 0 when an action was started, and with 6 when the hook has decided otherwise.

Examples:
  $ hookline hooks send push --event push --branch main --follow
  $ HOOKLINE_HOOK_SECRET=$(cat secret.txt) hookline hooks send push --event tag --tag v1.2.0
  $ hookline hooks send push payload.json --secret-stdin < secret.txt`,
    )
    .action(
      (
        text: string,
        payload: string | undefined,
        options: PayloadOptions & { secretStdin?: boolean; follow?: boolean; color: boolean },
        command: Command,
      ) =>
        withClient(command, async (context) => {
          const { client, out } = context;
          if (options.secretStdin && payload === '-')
            throw new CliFault('Standard input can be read once only.', 'usage');
          const hook = await readIncomingHook(context, text);
          const { headers, body } = await payloadOf(context, hook, payload, options);
          const proof = hook.requires_secret ? await signatureOf(context, hook, body, options) : {};
          out.progress('Sending …');
          const answer = await triggerHook({
            client,
            path: { hook_id: hook.id },
            body,
            // What was signed is what is sent.
            bodySerializer: (sent: unknown) => String(sent),
            headers: { ...headers, ...proof },
          }).catch((error: unknown) => {
            // It is the hook that does not take it; who sends it is signed in, and has found the hook.
            if (error instanceof HooklineError && error.status >= 400 && error.status < 500)
              throw new CliFault(`The hook has refused it: ${error.message}`, 'notSucceeded');
            throw error;
          });
          const actionId = 'action_id' in answer ? answer.action_id : null;
          if (actionId !== null && options.follow)
            return await followAction(context, actionId, { colours: options.color });
          if (out.isJson) out.json(answer);
          else if (actionId !== null)
            out.line(`Action ${actionId} has started. Watch it: hookline actions watch ${actionId}`);
          else if ('message' in answer) {
            out.line(plain(answer.message));
            for (const fault of answer.errors ?? [])
              out.line(`  ${plain(`${fault.field}: ${fault.message}`)}`);
          } else out.json(answer);
          if (actionId === null && options.event !== 'ping') context.setExitCode(exitCodes.notSucceeded);
        }),
    );
}

function addPayloadOptions(command: Command): Command {
  return command
    .option('--event <name>', 'which sample, or what the payload is: push, tag, pull_request, paid …')
    .option('--repository <owner/name>', 'in the sample; that of the application if left out')
    .option('--branch <name>', 'in the sample; the first that the hook is for if left out')
    .option('--tag <name>', 'in the sample')
    .option('--commit <hash>', 'in the sample; a made-up one if left out')
    .option('-H, --header <name: value>', 'of the request; can be repeated', collect);
}

async function readIncomingHook(context: ClientContext, text: string): Promise<Hook> {
  const { client } = context;
  const hook_id = String(await findId(client, 'hook_id', text, environmentOf(context)));
  try {
    return await getHook({ client, path: { hook_type: 'incoming', hook_id } });
  } catch (error) {
    if (!(error instanceof HooklineError) || error.status !== 404) throw error;
    await getHook({ client, path: { hook_type: 'outgoing', hook_id } });
    throw new CliFault(
      `"${text}" is an outgoing hook; see what it would send: hookline hooks preview ${text}`,
      'usage',
    );
  }
}

/** The body with the headers that its sender puts beside it, without those of a signature. */
async function payloadOf(
  context: ClientContext,
  hook: Hook,
  path: string | undefined,
  options: PayloadOptions,
): Promise<SampleEvent> {
  const { preset } = hook;
  const events = preset === null ? [] : sampleEventNames(preset);
  const given = headersOf(options.header ?? []);
  if (path === undefined && preset === null)
    throw new CliFault(
      'This hook has no preset, and so there is no sample: give a file with a payload.',
      'usage',
    );
  const event = options.event ?? events[0];
  if (options.event !== undefined && !events.includes(options.event))
    throw new CliFault(
      events.length > 0
        ? `There is no sample of "${options.event}" for ${preset}; there are ${events.join(', ')}.`
        : 'This hook has no preset: say by --header what its sender says.',
      'usage',
    );
  const sample =
    preset !== null && event !== undefined
      ? sampleEvent(preset, event, await detailsOf(context, hook, options))
      : { headers: { 'content-type': 'application/json' }, body: '' };
  const body = path === undefined ? sample.body : await readSource(path, context.io);
  return { headers: { ...sample.headers, ...given }, body };
}

async function detailsOf({ client, io }: ClientContext, hook: Hook, options: PayloadOptions) {
  const [branch] = hook.trigger_when.branches ?? [];
  const application =
    hook.resource_type === 'application' && options.repository === undefined
      ? await getApplication({ client, path: { application_id: hook.resource_id } }).catch(() => null)
      : null;
  const owner = application && `${application.repository_owner}/${application.repository_name}`;
  return {
    repository: options.repository ?? owner ?? undefined,
    branch:
      options.branch ??
      (branch !== undefined && !/[*?\]]/.test(branch) ? branch : application?.default_branch) ??
      undefined,
    tag: options.tag,
    commit: options.commit,
    now: new Date(io.now()),
  };
}

async function signatureOf(
  { io }: ClientContext,
  hook: Hook,
  body: string,
  { secretStdin }: { secretStdin?: boolean },
): Promise<Record<string, string>> {
  const secret = secretStdin
    ? (await io.readInput()).replace(/\r?\n$/, '')
    : io.env['HOOKLINE_HOOK_SECRET'] || (await askSecret(io, hook));
  if (secret === '') throw new CliFault('The secret is empty.', 'usage');
  try {
    return await signWebhook(body, secret, {
      scheme: hook.signature_scheme,
      header: hook.secret_header_name,
      algorithm: hook.secret_algorithm,
      encoding: hook.signature_encoding,
      prefix: hook.signature_prefix,
      sentAt: new Date(io.now()),
    });
  } catch (error) {
    if (error instanceof TypeError) throw new CliFault(error.message, 'usage');
    throw error;
  }
}

async function askSecret(io: Io, hook: Hook): Promise<string> {
  return await io
    .ask(`Secret of the hook "${plain(hook.name)}": `, { hidden: true })
    .catch((error: unknown) => {
      if (error instanceof CliFault && error.reason === 'usage')
        throw new CliFault(
          'The secret is missing: give it by --secret-stdin or in HOOKLINE_HOOK_SECRET.',
          'usage',
        );
      throw error;
    });
}

async function showTryOut(
  { client, out, io }: ClientContext,
  found: HookTryOut,
  isUnsigned: boolean,
): Promise<void> {
  const mark = (isGood: boolean) => out.colour(isGood ? '✓' : '✗', isGood ? 'green' : 'red');
  out.line(`${out.status(found.outcome)}: ${plain(found.reason)}`);
  for (const fault of found.errors ?? []) out.line(`  ${plain(`${fault.field}: ${fault.message}`)}`);
  out.line('\nSignature');
  const { valid, reason } = found.signature;
  if (isUnsigned && !valid) out.line('  - not signed here; "hookline hooks send" signs');
  else out.line(`  ${mark(valid)} ${plain(reason ?? 'valid')}`);
  out.line('\nVariables');
  const names = Object.keys(found.variables);
  const width = Math.max(0, ...names.map((name) => name.length));
  for (const name of names)
    out.line(`  ${plain(name).padEnd(width)}  ${cellText(found.variables[name], 'text', io)}`);
  if (names.length === 0) out.line('  none');
  out.line('\nConditions');
  for (const condition of found.conditions) {
    const { met, name, path, found: value } = condition;
    out.line(
      `  ${mark(met)} ${plain(name ?? path)}: ${plain(path)} is ${cellText(value, 'text', io)}, ${wanted(condition)}`,
    );
  }
  if (found.conditions.length === 0) out.line('  none');
  if (found.pipeline_id === null) return;
  const pipeline = await getPipeline({ client, path: { pipeline_id: found.pipeline_id } }).catch(() => null);
  out.line(`\nPipeline\n  ${found.pipeline_id}${pipeline ? ` ${plain(pipeline.name)}` : ''}`);
}

/** What a condition asks for, in words. */
function wanted({
  accepted_values,
  matches,
  globs,
  same_as,
  exists,
  not,
}: HookTryOut['conditions'][number]): string {
  const any = [
    accepted_values.length > 0 && accepted_values.map((value) => JSON.stringify(value)).join(', '),
    matches?.length && `what matches ${matches.join(', ')}`,
    globs?.length && `what is under ${globs.join(', ')}`,
    same_as && `the same as ${same_as}`,
    exists === true && 'anything',
    exists === false && 'nothing',
  ].filter((part) => typeof part === 'string');
  return plain(`${not ? 'must not be' : 'must be'} ${any.join(' or ') || 'there'}`);
}
