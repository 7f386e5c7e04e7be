import { jsonOf } from '../api-calls.ts';
import { unknownArguments } from '../call-operation.ts';
import { argumentFault, refusalOf } from '../tool-answer.ts';
import type { Tool } from '../tools.ts';

/** Most actions end soon or late; between two looks. */
const pollMs = { first: 200, most: 2000 };
const defaultSeconds = 45;
const mostSeconds = 300;

type Step = { order: number; name: string | null; status: string; exit_code: number | null };
type Action = {
  id: number;
  status: string;
  status_reason_human_readable: string;
  url_web_permalink: string;
  completed_at: string | null;
  targets: { id: number; status: string; resource_data: { hostname: string }; steps: Step[] }[];
};

export const waitForAction: Tool = {
  name: 'wait_for_action',
  description: `Wait until an action has ended, and tell how. It answers at the latest after \`timeout_seconds\`; call it again while \`has_ended\` is false. Needs the permission action:read.`,
  inputSchema: {
    type: 'object',
    properties: {
      action_id: { type: 'integer', minimum: 1, description: 'The id of the action.' },
      timeout_seconds: {
        type: 'integer',
        minimum: 1,
        maximum: mostSeconds,
        default: defaultSeconds,
        description: 'How long to wait at most. Many clients give up on a call after 60 seconds.',
      },
    },
    required: ['action_id'],
    additionalProperties: false,
  },
  outputSchema: {
    type: 'object',
    properties: {
      action_id: { type: 'integer' },
      has_ended: { type: 'boolean' },
      status: { type: 'string' },
      reason: { type: 'string' },
      url: { type: 'string', description: 'The page of the action.' },
      failed_steps: {
        type: 'array',
        description: 'read_action_log with `target_id` and `step` has the output of one.',
        items: {
          type: 'object',
          properties: {
            target_id: { type: 'integer' },
            hostname: { type: 'string' },
            step: { type: 'integer' },
            name: { anyOf: [{ type: 'string' }, { type: 'null' }] },
            exit_code: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
          },
          required: ['target_id', 'hostname', 'step', 'name', 'exit_code'],
        },
      },
    },
    required: ['action_id', 'has_ended', 'status', 'reason', 'url', 'failed_steps'],
  },
  annotations: {
    title: 'Wait until an action has ended',
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  toolset: 'actions',
  needs: ['action:read'],
  operationId: null,
  async run(args, { call, signal, sleep, now, progress }) {
    const unknown = unknownArguments(args, Object.keys(waitForAction.inputSchema.properties));
    if (unknown) return unknown;
    const { action_id: id, timeout_seconds: seconds = defaultSeconds } = args;
    if (!/^[1-9]\d{0,14}$/.test(String(id)))
      return argumentFault([{ field: 'action_id', message: 'must be the id of an action' }]);
    if (!Number.isInteger(Number(seconds)) || Number(seconds) < 1 || Number(seconds) > mostSeconds)
      return argumentFault([{ field: 'timeout_seconds', message: `must be from 1 to ${mostSeconds}` }]);
    const begin = now();
    for (let waitMs = pollMs.first; ; waitMs = Math.min(waitMs * 1.5, pollMs.most)) {
      const answer = await call({ method: 'GET', path: `/actions/${id}` });
      if (!answer.isOk) return refusalOf(answer);
      // Safe: the route's schema says so.
      const action = jsonOf(answer) as Action;
      const isOver =
        action.completed_at !== null || ['completed', 'failed', 'skipped'].includes(action.status);
      const passedMs = now() - begin;
      if (isOver || passedMs >= Number(seconds) * 1000 || signal.aborted)
        return { value: shown(action, isOver) };
      await progress(`Action ${action.id}: ${action.status}`, Math.round(passedMs / 1000));
      await sleep(Math.min(waitMs, Number(seconds) * 1000 - passedMs));
    }
  },
};

function shown(action: Action, hasEnded: boolean): Record<string, unknown> {
  return {
    action_id: action.id,
    has_ended: hasEnded,
    status: action.status,
    reason: action.status_reason_human_readable,
    url: action.url_web_permalink,
    failed_steps: action.targets.flatMap((target) =>
      target.steps
        .filter(({ status }) => status === 'failed')
        .map(({ order, name, exit_code }) => ({
          target_id: target.id,
          hostname: target.resource_data.hostname,
          step: order,
          name,
          exit_code,
        })),
    ),
  };
}
