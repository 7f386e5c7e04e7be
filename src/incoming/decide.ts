import { isUtf8 } from 'node:buffer';
import { parametersFrom, type ActionParameters, type VariableValue } from '../actions/trigger.ts';
import type { IncomingHook } from '../hooks/registry.ts';
import { sendsToken } from '../hooks/signature-schemes.ts';
import type { FieldError } from '../platform/errors.ts';
import { TextTooLong } from '../platform/linear-expression.ts';
import { mask } from '../platform/secret-box.ts';
import { unmetCondition } from './conditions.ts';
import { createEffort, TooMuchEffort } from '../platform/effort.ts';
import { extractVariables } from './extract.ts';
import { contentEncoding, inflateBody, type PlainRequest } from './inflate.ts';
import { bodyText, parsePayload, type ParsedPayload } from './parse-payload.ts';
import type { PayloadSource } from './paths.ts';
import { challengeOf, dedupKey, isPing, isSlackForm } from './sender-headers.ts';
import { checkSignature, whyUnsigned, type SignatureCheck } from './signature.ts';

/** A request as it arrived. The names of headers are in lower case; `query` is what stands behind the `?`. */
export type ReceivedRequest = {
  headers: Record<string, string | string[] | undefined>;
  query: string;
  body: Buffer;
};

/** What becomes of a request, with the reason in one sentence. `verified` tells whether its body may be kept. */
export type Decision =
  | {
      outcome: 'accepted';
      /** 200 where the sender takes any other for a failure. */
      status: 200 | 202;
      reason: string;
      pipelineId: number;
      variables: Record<string, VariableValue>;
      parameters: ActionParameters;
      dedupKey: Buffer | null;
    }
  | {
      outcome: 'skipped';
      status: 200;
      reason: string;
      /** What the sender wants to hear back. */
      challenge?: string;
    }
  | {
      outcome: 'refused';
      /** 200 of what its sender would take for a failure of the hook otherwise. */
      status: 200 | 400 | 401 | 404 | 408 | 413 | 415 | 422 | 429;
      reason: string;
      errors?: FieldError[];
      verified: boolean;
    };

export const notActive: Decision = {
  outcome: 'refused',
  status: 404,
  reason: 'This hook is not active.',
  verified: false,
};

/**
 * Verify, parse, variables, conditions, pipeline: in that order, and without a look at the database. `now` is in ms since
 * 1970. Of a compressed body the signature may be over either form; no more than `mostBytes` of it are inflated.
 */
export async function decide(
  hook: IncomingHook,
  request: ReceivedRequest,
  now: number,
  mostBytes: number,
  /** Of an address that sends too much of what is not right, the bytes as they came are looked at, and no others. */
  mayInflateUnverified = true,
): Promise<Decision> {
  if (!hook.row.active) return notActive;
  const signature = verify(hook, request, now);
  const encoding = contentEncoding(request.headers);
  if (encoding === null) {
    return signature.ok ? understand(hook, request) : refuse(401, signature.reason, false);
  }
  if (!signature.ok && (!mayInflateUnverified || whyUnsigned(hook, request.headers) !== null))
    return refuse(401, signature.reason, false);
  // Brotli has no mark of its own: whoever catches a signed text must not make it another one by naming it so.
  if (encoding === 'br' && signature.ok && hook.definition.requires_secret && isUtf8(request.body))
    return refuse(400, 'The body is a text, and not the br that it claims to be.', true);
  const by = { by: hook.row.uuid, isVerified: signature.ok && hook.definition.requires_secret };
  const inflated = await inflateBody(encoding, request.body, mostBytes, by);
  if (!inflated.ok) return refuse(inflated.status, inflated.reason, signature.ok);
  const plain = { ...request, body: inflated.body };
  const check = signature.ok ? signature : verify(hook, plain, now);
  return check.ok ? understand(hook, plain) : refuse(401, check.reason, false);
}

/** Checks the signature against the secret, and while it lasts against the one before the last rotation. */
export function verify(hook: IncomingHook, request: ReceivedRequest, now: number): SignatureCheck {
  const check = checkSignature(hook, request.headers, request.body, now);
  if (check.ok || hook.previous === null || hook.previous.expiresAt <= now) return check;
  const { definition, previous } = hook;
  const before = checkSignature({ definition, secret: previous.secret }, request.headers, request.body, now);
  return before.ok || before.isRight ? before : check;
}

/** What a request asks for that was verified when it came. */
export function understandPlain(hook: IncomingHook, { request, fault }: PlainRequest): Decision {
  return fault ? refuse(fault.status, fault.reason, true) : understand(hook, request);
}

/** What a verified request asks for. Its body is no longer compressed. */
function understand(hook: IncomingHook, request: ReceivedRequest): Decision {
  try {
    return understandWithin(hook, request);
  } catch (error) {
    const reason = whyTooMuch(error);
    if (reason === null) throw error;
    return refuse(413, reason, true);
  }
}

/** Why a body is too large for what a hook looks for in it; null of any other error. */
export function whyTooMuch(error: unknown): string | null {
  if (error instanceof TextTooLong) return `The body is too large for this hook: ${error.message}`;
  if (!(error instanceof TooMuchEffort)) return null;
  return 'The body is too large for this hook: looking through it by its paths, expressions and globs takes too long.';
}

function understandWithin(hook: IncomingHook, request: ReceivedRequest): Decision {
  if (isPing(request.headers))
    return { outcome: 'skipped', status: 200, reason: 'Ping received: the hook is reachable.' };
  const parsed = sourceOf(hook, request);
  if (!parsed.ok) return refuse(parsed.status, parsed.reason, true);
  const { source } = parsed;
  const challenge = challengeOf(hook, source.payload);
  if (challenge !== null)
    return { outcome: 'skipped', status: 200, reason: 'The challenge is answered.', challenge };

  const { values, faults } = extractVariables(hook.definition.variables, source);
  // Conditions come before faults: a request that the hook does not want need not have its variables.
  const unmet = unmetCondition(hook.definition, source, values);
  if (unmet) return { outcome: 'skipped', status: 200, reason: unmet };
  const pipeline = choosePipeline(hook, values);
  if (pipeline.fault) faults.push(pipeline.fault);
  if (faults.length > 0 || pipeline.id === null) {
    const reason = faults.map(({ field, message }) => `${field} ${message}`).join('; ');
    const told = reason.length > mostReason ? `${reason.slice(0, mostReason)} …` : `${reason}.`;
    return { ...refuse(422, `Not run: ${told}`, true), errors: faults };
  }
  return {
    outcome: 'accepted',
    status: isSlackForm(hook, request.headers) ? 200 : 202,
    reason: 'Accepted.',
    pipelineId: pipeline.id,
    variables: values,
    parameters: parametersFrom(values),
    dedupKey: dedupKey(hook, source),
  };
}

/** The faults are told one by one as well. */
const mostReason = 4000;

/** What the paths of variables and conditions look into. Of a token that proves who sends they see a mask, as records do. */
export function sourceOf(
  { definition }: Pick<IncomingHook, 'definition'>,
  { headers: given, query, body }: ReceivedRequest,
): { ok: true; source: PayloadSource } | Extract<ParsedPayload, { ok: false }> {
  const { secret_header_name: name } = definition;
  const isToken = name !== null && sendsToken(definition) && given[name] !== undefined;
  const headers = isToken ? { ...given, [name]: mask } : given;
  const parsed = parsePayload(asText(headers['content-type']), body);
  if (!parsed.ok) return parsed;
  const { payload, isForm } = parsed;
  const parameters = query === '' ? {} : Object.fromEntries(new URLSearchParams(query));
  const text = () => bodyText({ headers, body });
  return { ok: true, source: { payload, isForm, headers, query: parameters, text, effort: createEffort() } };
}

function refuse(status: 400 | 401 | 404 | 413 | 415 | 422, reason: string, verified: boolean) {
  return { outcome: 'refused' as const, status, reason, verified };
}

/** In the older form the variable `pipeline_id` chooses among the pipelines of the hook's resource and operation. */
function choosePipeline(
  hook: IncomingHook,
  variables: Record<string, VariableValue>,
): { id: number; fault: null } | { id: null; fault: FieldError | null } {
  const [first, ...others] = hook.pipelineIds;
  const { resource_type, resource_id, action_type } = hook.row;
  const owner = `${resource_type} ${resource_id}`;
  const field = 'pipeline_id';
  if (hook.row.pipeline_id !== null && first !== undefined) return { id: first, fault: null };
  // A value of the wrong type has been noted already.
  if (hook.definition.variables.some(({ name }) => name === field) && !Object.hasOwn(variables, field)) {
    return { id: null, fault: null };
  }
  const wanted = Object.hasOwn(variables, field) ? variables[field]! : null;
  if (wanted !== null) {
    if (typeof wanted === 'number' && hook.pipelineIds.includes(wanted)) return { id: wanted, fault: null };
    return {
      id: null,
      fault: { field, message: `${JSON.stringify(wanted)} is no ${action_type} pipeline of ${owner}` },
    };
  }
  if (first === undefined)
    return {
      id: null,
      fault: { field, message: `cannot be chosen: ${owner} has no ${action_type} pipeline` },
    };
  if (others.length > 0) {
    const message = `must be one of ${hook.pipelineIds.join(', ')}, since ${owner} has several ${action_type} pipelines`;
    return { id: null, fault: { field, message } };
  }
  return { id: first, fault: null };
}

function asText(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
