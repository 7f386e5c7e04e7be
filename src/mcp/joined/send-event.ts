import { sampleEvent, sampleEventNames, signWebhook } from '#sdk';
import { jsonOf, type ApiAnswer, type CallApi } from '../api-calls.ts';
import { unknownArguments } from '../call-operation.ts';
import { argumentFault, refusalOf, type ToolAnswer } from '../tool-answer.ts';
import type { Tool } from '../tools.ts';

type Hook = {
  preset: string | null;
  resource_type: string;
  resource_id: number;
  trigger_when: { branches?: string[] };
  signature_scheme: string | null;
  secret_algorithm: string | null;
  secret_header_name: string | null;
  signature_encoding: string | null;
  signature_prefix: string | null;
};
type Application = { default_branch: string; repository_owner: string; repository_name: string };

const headerName = /^[A-Za-z0-9-]{1,100}$/;
/** What is about the connection and not about the event. */
const ofConnection =
  /^(host|content-length|transfer-encoding|connection|authorization|cookie|content-encoding|forwarded|x-forwarded-.*)$/;
/** As much as a request from outside could have. */
const mostHeaderBytes = 8192;

export const sendEvent: Tool = {
  name: 'send_event',
  description:
    'Send an event to an incoming hook as its sender would, signed with `secret`: it is recorded, and runs the pipeline if the conditions of the hook are met. Give the `body`, or for a hook with a preset only the `event`, of which a sample is made. A hook that requires a secret needs it here, since Hookline never shows it again after it was created; without it ask the person, or use test_incoming_hook, which needs none and runs nothing. Answers what came of it, refusals included. Needs the permission hook:update.',
  inputSchema: {
    type: 'object',
    properties: {
      hook_id: { type: 'string', format: 'uuid', description: 'The id of the incoming hook.' },
      event: {
        type: 'string',
        description:
          'Without a body: the event to make a sample of, such as "push", "tag" or "pull_request".',
      },
      branch: { type: 'string', description: 'Of the sample; one that the hook is for if left out.' },
      body: { type: 'object', description: 'The payload, as the sender’s documentation shows it.' },
      headers: {
        type: 'object',
        additionalProperties: { type: 'string' },
        description: 'What the sender adds, e.g. {"x-github-event": "push"}.',
      },
      secret: { type: 'string', maxLength: 1000, description: 'The secret of the hook.' },
    },
    required: ['hook_id'],
    additionalProperties: false,
  },
  outputSchema: {
    type: 'object',
    properties: {
      status: {
        type: 'integer',
        description: '202: an action was started. 200: understood, nothing to run. Else refused.',
      },
      message: { type: 'string', description: 'What came of it, in one sentence.' },
      action_id: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
      hook_request_id: {
        anyOf: [{ type: 'string' }, { type: 'null' }],
        description: 'The record of the request.',
      },
    },
    required: ['status', 'message', 'action_id', 'hook_request_id'],
  },
  annotations: {
    title: 'Send an event to an incoming hook',
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: false,
    openWorldHint: true,
  },
  toolset: 'hooks',
  // As for running a recorded request again: whoever may only read is not offered what runs something.
  needs: ['hook:update'],
  operationId: 'triggerHook',
  async run(args, { call, now }) {
    const unknown = unknownArguments(args, Object.keys(sendEvent.inputSchema.properties));
    if (unknown) return unknown;
    const { hook_id: id, headers = {}, secret } = args;
    if (!/^[0-9a-f-]{36}$/i.test(String(id)))
      return argumentFault([{ field: 'hook_id', message: 'must be the UUID of an incoming hook' }]);
    const given = headersOf(headers);
    if (!given)
      return argumentFault([
        {
          field: 'headers',
          message: `must be an object of names and texts of at most ${mostHeaderBytes} bytes`,
        },
      ]);
    // Only who may see the hook is told anything of it.
    const found = await call({ method: 'GET', path: `/hooks/incoming/${String(id)}` });
    if (!found.isOk) return refusalOf(found);
    // Safe: the route's schema says so.
    const hook = jsonOf(found) as Hook;
    const event = await eventOf(call, hook, args, new Date(now()));
    if ('fault' in event) return event;
    const proof = await proofOf(hook, event.body, { secret, sentAt: new Date(now()) });
    if (!proof) return argumentFault([{ field: 'secret', message: 'is no secret of this kind of sender' }]);
    return resultOf(
      await call({
        method: 'POST',
        path: `/hooks/${String(id)}/trigger`,
        body: event.body,
        headers: { ...event.headers, ...given, ...proof },
        isAnonymous: true,
      }),
    );
  },
};

/** What is sent: the given body, or a sample of the hook's preset. */
async function eventOf(
  call: CallApi,
  hook: Hook,
  { body, event, branch }: Record<string, unknown>,
  now: Date,
): Promise<{ headers: Record<string, string>; body: string } | { fault: string }> {
  if (typeof body === 'object' && body !== null) return { headers: {}, body: JSON.stringify(body) };
  if (body !== undefined) return argumentFault([{ field: 'body', message: 'must be a JSON object' }]);
  const { preset } = hook;
  const events = preset === null ? [] : sampleEventNames(preset);
  const name = event ?? events[0];
  if (preset === null || events.length === 0)
    return argumentFault([
      { field: 'body', message: 'is required, since this hook has no preset to make a sample of' },
    ]);
  if (typeof name !== 'string' || !events.includes(name))
    return argumentFault([{ field: 'event', message: `must be one of ${events.join(', ')}` }]);
  const application = await applicationOf(call, hook);
  const plain = hook.trigger_when.branches?.find((one) => !/[*?\]]/.test(one));
  return sampleEvent(preset, name, {
    repository: application && `${application.repository_owner}/${application.repository_name}`,
    branch: typeof branch === 'string' ? branch : (plain ?? application?.default_branch),
    now,
  });
}

async function applicationOf(call: CallApi, hook: Hook): Promise<Application | undefined> {
  if (hook.resource_type !== 'application') return undefined;
  const answer = await call({ method: 'GET', path: `/applications/${hook.resource_id}` });
  // Safe: the route's schema says so.
  return answer.isOk ? (jsonOf(answer) as Application) : undefined;
}

/** The headers of the signature; none without a secret, and null where it cannot be one. */
async function proofOf(
  hook: Hook,
  body: string,
  { secret, sentAt }: { secret: unknown; sentAt: Date },
): Promise<Record<string, string> | null> {
  if (typeof secret !== 'string' || secret === '') return {};
  try {
    return await signWebhook(body, secret, {
      scheme: hook.signature_scheme ?? 'hmac',
      header: hook.secret_header_name,
      algorithm: hook.secret_algorithm,
      encoding: hook.signature_encoding,
      prefix: hook.signature_prefix,
      sentAt,
    });
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function headersOf(headers: unknown): Record<string, string> | null {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return null;
  const entries = Object.entries(headers).map(
    ([name, value]) => [name.toLowerCase(), String(value)] as const,
  );
  const size = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (size > mostHeaderBytes) return null;
  if (entries.some(([name, value]) => !headerName.test(name) || /[^\t\x20-\x7e\x80-\xff]/.test(value)))
    return null;
  return Object.fromEntries(entries.filter(([name]) => !ofConnection.test(name)));
}

function resultOf(answer: ApiAnswer): ToolAnswer {
  if (answer.status >= 500) return refusalOf(answer);
  // Safe: `trigger-answers.ts` has the form of every answer.
  const { message, action_id, hook_request_id, errors } = jsonOf(answer) as {
    message: string;
    action_id?: number | null;
    hook_request_id?: string | null;
    errors?: { field: string; message: string }[] | null;
  };
  const faults = (errors ?? []).map((fault) => ` ${fault.field}: ${fault.message}.`).join('');
  return {
    value: {
      status: answer.status,
      message: message + faults,
      action_id: action_id ?? null,
      hook_request_id: hook_request_id ?? null,
    },
  };
}
