import { signatureSchemeNames, type SignatureSchemeName } from '../../hooks/signature-schemes.ts';
import { jsonOf } from '../api-calls.ts';
import { unknownArguments } from '../call-operation.ts';
import { argumentFault, refusalOf } from '../tool-answer.ts';
import type { Tool } from '../tools.ts';
import { signedHeaders, type SigningHook } from './sign-event.ts';

const headerName = /^[A-Za-z0-9-]{1,100}$/;
/** What is about the connection and not about the event. */
const kept = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'authorization',
  'cookie',
  'content-encoding',
]);

export const sendEvent: Tool = {
  name: 'send_event',
  description:
    'Send an event to an incoming hook as its sender would, signed with `secret`: it is recorded, and runs the pipeline if the conditions of the hook are met. A hook that requires a secret needs it here, since Hookline never shows it again after it was created; without it ask the person, or use test_incoming_hook, which needs none and runs nothing. Answers what came of it, refusals included.',
  inputSchema: {
    type: 'object',
    properties: {
      hook_id: { type: 'string', format: 'uuid', description: 'The id of the incoming hook.' },
      body: { type: 'object', description: 'The payload, as the sender’s documentation shows it.' },
      headers: {
        type: 'object',
        additionalProperties: { type: 'string' },
        description: 'What the sender adds, e.g. {"x-github-event": "push"}.',
      },
      secret: { type: 'string', maxLength: 1000, description: 'The secret of the hook.' },
    },
    required: ['hook_id', 'body'],
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
    const { hook_id: id, body, headers = {}, secret } = args;
    if (!/^[0-9a-f-]{36}$/i.test(String(id)))
      return argumentFault([{ field: 'hook_id', message: 'must be the UUID of an incoming hook' }]);
    if (typeof body !== 'object' || body === null)
      return argumentFault([{ field: 'body', message: 'must be a JSON object' }]);
    const given = headersOf(headers);
    if (!given) return argumentFault([{ field: 'headers', message: 'must be an object of names and texts' }]);
    // Only who may see the hook is told anything of it.
    const found = await call({ method: 'GET', path: `/hooks/incoming/${String(id)}` });
    if (!found.isOk) return refusalOf(found);
    // Safe: the route's schema says so.
    const hook = jsonOf(found) as SigningHook;
    const text = JSON.stringify(body);
    const signature =
      typeof secret === 'string' && secret !== ''
        ? signedHeaders({ ...hook, signature_scheme: schemeOf(hook) }, { secret, body: text, now: now() })
        : {};
    const answer = await call({
      method: 'POST',
      path: `/hooks/${String(id)}/trigger`,
      body: text,
      headers: { ...given, ...signature },
      isAnonymous: true,
    });
    return resultOf(answer);
  },
};

function schemeOf({ signature_scheme }: SigningHook): SignatureSchemeName {
  return signatureSchemeNames.find((name) => name === signature_scheme) ?? 'hmac';
}

function headersOf(headers: unknown): Record<string, string> | null {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return null;
  const entries = Object.entries(headers).map(
    ([name, value]) => [name.toLowerCase(), String(value)] as const,
  );
  if (entries.some(([name, value]) => !headerName.test(name) || /[^\t\x20-\x7e\x80-\xff]/.test(value)))
    return null;
  return Object.fromEntries(entries.filter(([name]) => !kept.has(name)));
}

function resultOf(answer: Parameters<typeof jsonOf>[0] & { status: number }) {
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
