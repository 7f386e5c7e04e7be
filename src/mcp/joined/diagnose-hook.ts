import { jsonOf, type CallApi } from '../api-calls.ts';
import { unknownArguments } from '../call-operation.ts';
import { argumentFault, refusalOf, type ToolAnswer } from '../tool-answer.ts';
import type { Tool } from '../tools.ts';

const recent = 20;

export const diagnoseHook: Tool = {
  name: 'diagnose_hook',
  description:
    'Tell why a hook did or did not do its work: its state, what came of its last requests (incoming) or deliveries (outgoing) with the reason of each, and what to look at next. Nothing is changed. Needs the permission hook:read.',
  inputSchema: {
    type: 'object',
    properties: {
      hook_id: { type: 'string', format: 'uuid', description: 'The id of the hook, of either direction.' },
    },
    required: ['hook_id'],
    additionalProperties: false,
  },
  outputSchema: {
    type: 'object',
    properties: {
      hook_id: { type: 'string' },
      name: { type: 'string' },
      direction: { type: 'string', enum: ['incoming', 'outgoing'] },
      active: { type: 'boolean' },
      findings: {
        type: 'array',
        items: { type: 'string' },
        description: 'What stands out, the gravest first.',
      },
      recent: {
        type: 'array',
        description: `The last ${recent} requests or deliveries, newest first.`,
        items: {
          type: 'object',
          properties: {
            id: {
              type: 'string',
              description: 'Of an incoming hook for get_hook_request, else for get_delivery.',
            },
            at: { type: 'string' },
            outcome: { type: 'string' },
            reason: { type: 'string' },
            action_id: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
          },
          required: ['id', 'at', 'outcome', 'reason', 'action_id'],
        },
      },
      next_steps: { type: 'array', items: { type: 'string' } },
    },
    required: ['hook_id', 'name', 'direction', 'active', 'findings', 'recent', 'next_steps'],
  },
  annotations: {
    title: 'Tell why a hook did or did not do its work',
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  toolset: 'hooks',
  needs: ['hook:read'],
  operationId: null,
  async run(args, { call }) {
    const unknown = unknownArguments(args, ['hook_id']);
    if (unknown) return unknown;
    const id = String(args['hook_id'] ?? '');
    if (!/^[0-9a-f-]{36}$/i.test(id))
      return argumentFault([
        { field: 'hook_id', message: 'must be the UUID of a hook; find it by its name with find' },
      ]);
    const incoming = await call({ method: 'GET', path: `/hooks/incoming/${id}` });
    // Safe, here and below: the routes' schemas say so.
    if (incoming.isOk) return await diagnoseIncoming(call, jsonOf(incoming) as Hook);
    const outgoing = await call({ method: 'GET', path: `/hooks/outgoing/${id}` });
    return outgoing.isOk ? await diagnoseOutgoing(call, jsonOf(outgoing) as Hook) : refusalOf(outgoing);
  },
};

type Hook = {
  id: string;
  name: string;
  active: boolean;
  url: string | null;
  requires_secret: boolean;
  refused_requests: number;
  last_refused_at: string | null;
  installation: { provider: string; events: string[] } | null;
  warnings: string[];
  breaker_state: string | null;
  blocked_until: string | null;
  failing_since: string | null;
  failed_attempts: number;
  last_failure: string | null;
  disabled_at: string | null;
  disabled_reason: string | null;
  trigger_when: { events?: string[]; conditions: unknown[] };
};
type Request = { id: string; created_at: string; outcome: string; reason: string; action_id: number | null };
type Delivery = {
  id: string;
  created_at: string;
  status: string;
  reason: string;
  action_id: number;
  event: string;
};

async function diagnoseIncoming(call: CallApi, hook: Hook): Promise<ToolAnswer> {
  const query = { per_page: recent };
  const answer = await call({ method: 'GET', path: `/hooks/incoming/${hook.id}/requests`, query });
  if (!answer.isOk) return refusalOf(answer);
  const requests = jsonOf(answer) as Request[];
  const [last] = requests;
  const not = requests.find(({ outcome }) => outcome !== 'accepted');
  const findings = [
    ...stateOf(hook),
    ...(last
      ? [`Its last request, of ${last.created_at}, was ${last.outcome}: ${last.reason}`]
      : ['No request that is on record has ever reached it.']),
    ...(not && not !== last
      ? [`The last one that started nothing, of ${not.created_at}, was ${not.outcome}: ${not.reason}`]
      : []),
    ...countsOf(requests.map(({ outcome }) => outcome)),
    ...(hook.refused_requests > 0
      ? [
          `${hook.refused_requests} requests were refused because nobody had rightly signed them, the last at ${hook.last_refused_at}.`,
        ]
      : []),
  ];
  const nextSteps = [
    ...(not
      ? [
          `get_hook_request ${not.id} shows what came; test_incoming_hook with this hook_request_id shows what each condition and variable made of it.`,
        ]
      : []),
    ...(not?.outcome === 'refused' && hook.requires_secret
      ? [
          'If the signature is wrong, the sender has another secret: rotate_hook_secret gives a new one for both sides.',
        ]
      : []),
    ...(last
      ? []
      : [
          hook.installation
            ? `It is installed at ${hook.installation.provider} for ${hook.installation.events.join(', ')}: did such an event happen?`
            : `Is ${hook.url} registered at the sender, and can the sender reach it? install_incoming_hook registers it at the repository’s provider.`,
        ]),
    ...(last?.action_id
      ? [`Action ${last.action_id} came of the last request: get_action, read_action_log.`]
      : []),
  ];
  return { value: shown(hook, 'incoming', { findings, recent: requests.map(ofRequest), nextSteps }) };
}

async function diagnoseOutgoing(call: CallApi, hook: Hook): Promise<ToolAnswer> {
  const query = { per_page: recent };
  const answer = await call({ method: 'GET', path: `/hooks/outgoing/${hook.id}/deliveries`, query });
  if (!answer.isOk) return refusalOf(answer);
  const deliveries = jsonOf(answer) as Delivery[];
  const [last] = deliveries;
  const bad = deliveries.find(({ status }) => status !== 'delivered');
  const findings = [
    ...stateOf(hook),
    ...(hook.breaker_state === 'open'
      ? [
          `It sends nothing before ${hook.blocked_until}: ${hook.failed_attempts} attempts in a row have failed since ${hook.failing_since}.`,
        ]
      : []),
    ...(hook.last_failure ? [`The last failure: ${hook.last_failure}`] : []),
    ...(last
      ? [`Its last delivery, ${last.event} of action ${last.action_id}, is ${last.status}: ${last.reason}`]
      : ['Nothing has happened yet that it would tell: no action of its pipeline since it was made.']),
    ...(bad && bad !== last
      ? [
          `The last one that was not delivered, ${bad.event} of action ${bad.action_id}, is ${bad.status}: ${bad.reason}`,
        ]
      : []),
    ...countsOf(deliveries.map(({ status }) => status)),
  ];
  const nextSteps = [
    ...(bad ? [`get_delivery ${bad.id} has its attempts, and get_hook_request the answer of each.`] : []),
    ...(bad && ['failed', 'rejected'].includes(bad.status)
      ? ['Once the cause is mended: redeliver sends one again, recover_outgoing_hook everything that failed.']
      : []),
    ...(last ? [] : ['test_outgoing_hook shows what it would send about a past action.']),
  ];
  return { value: shown(hook, 'outgoing', { findings, recent: deliveries.map(ofDelivery), nextSteps }) };
}

function stateOf(hook: Hook): string[] {
  return [
    ...(hook.active ? [] : ['It is switched off: `active` is false.']),
    ...(hook.disabled_reason
      ? [`Hookline has switched it off at ${hook.disabled_at}: ${hook.disabled_reason}`]
      : []),
    ...hook.warnings,
  ];
}

function countsOf(words: string[]): string[] {
  if (words.length < 2) return [];
  const counts = Object.entries(Object.groupBy(words, (word) => word)).map(
    ([word, all]) => `${all!.length} ${word}`,
  );
  return [`Of the last ${words.length}: ${counts.join(', ')}.`];
}

const ofRequest = ({ id, created_at, outcome, reason, action_id }: Request) => ({
  id,
  at: created_at,
  outcome,
  reason,
  action_id,
});
const ofDelivery = ({ id, created_at, status, reason, action_id, event }: Delivery) => ({
  id,
  at: created_at,
  outcome: status,
  reason: `${event}: ${reason}`,
  action_id,
});

function shown(
  hook: Hook,
  direction: string,
  { findings, recent: last, nextSteps }: { findings: string[]; recent: object[]; nextSteps: string[] },
): Record<string, unknown> {
  const { id, name, active } = hook;
  return { hook_id: id, name, direction, active, findings, recent: last, next_steps: nextSteps };
}
