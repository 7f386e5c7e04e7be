import type { Command } from 'commander';
import {
  getApplication,
  getHook,
  HooklineError,
  sampleEvent,
  sampleEventNames,
  signWebhook,
  type Hook,
  type SampleEvent,
} from '#sdk';
import { environmentOf } from './actions.ts';
import type { ClientContext } from './context.ts';
import { CliFault } from './fault.ts';
import { collect, readSource } from './field-values.ts';
import { headersOf } from './headers.ts';
import { plain, type Io } from './io.ts';
import { findId } from './lookup.ts';

export type PayloadOptions = {
  event?: string;
  header?: string[];
  repository?: string;
  branch?: string;
  tag?: string;
  commit?: string;
};

export function addPayloadOptions(command: Command): Command {
  return command
    .option('--event <name>', 'which sample, or what the payload is: push, tag, pull_request, paid …')
    .option('--repository <owner/name>', 'in the sample; that of the application if left out')
    .option('--branch <name>', 'in the sample; the first that the hook is for if left out')
    .option('--tag <name>', 'in the sample')
    .option('--commit <hash>', 'in the sample; a made-up one if left out')
    .option('-H, --header <name: value>', 'of the request; can be repeated', collect);
}

export async function readIncomingHook(context: ClientContext, text: string): Promise<Hook> {
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
export async function payloadOf(
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

export async function signatureOf(
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
