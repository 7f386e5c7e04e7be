import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { isoTime } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { notFound } from '../platform/errors.ts';
import { Id, idParam, OneOf } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { presentTargetData, StepLog } from './present.ts';
import { actionStepsOf, findAction, targetsOf, type ActionStepRow, type TargetRow } from './store.ts';
import { pageRows, readLog, readLogPage } from './stream.ts';
import { createColourStripper } from './strip-colours.ts';

export function logRoutes(app: HttpApp, { db }: { db: Db }): void {
  const access = { permission: 'action:read', on: 'action', param: 'action_id' } as const;

  app.route({
    method: 'GET',
    url: '/actions/:action_id/targets/:target_id/steps/:order/logs',
    config: { access },
    schema: {
      operationId: 'getActionLog',
      summary: 'Read the output of a step',
      description: 'Secrets are masked, and of endless output the first 10 MiB are kept.',
      params: idParam('action_id', 'target_id', 'order'),
      response: { 200: StepLog },
    },
    handler: async (request) => {
      const { action_id, target_id, order } = request.params;
      const target = (await targetsOf(db, [action_id])).find(({ id }) => id === target_id);
      const steps = target ? await actionStepsOf(db, [target.id]) : [];
      const step = steps.find(({ step_order }) => step_order === order);
      if (!target || !step) throw notFound('The step');
      return {
        target: presentTargetData(target),
        step: {
          order: step.step_order,
          started_at: isoTime(step.started_at),
          completed_at: isoTime(step.completed_at),
          output: step.started_at === null ? null : await readLog(db, step.id),
        },
        updated_at: isoTime(step.updated_at),
      };
    },
  });

  app.route({
    method: 'GET',
    url: '/actions/:action_id/logs',
    config: { access },
    schema: {
      operationId: 'getActionLogs',
      summary: 'Read the whole output of an action as plain text',
      description:
        'Target by target and step by step, each under a line that names it. With `target_id` and `step` less of it; the output of a single step stands without a heading.',
      params: idParam('action_id'),
      querystring: Type.Object({
        colours: Type.Optional(
          OneOf(
            ['keep', 'strip'],
            'Whether the control sequences of terminals are left in; `keep` if left out.',
          ),
        ),
        target_id: Type.Optional(Id),
        step: Type.Optional(Type.Integer({ minimum: 1, description: 'The order of a step.' })),
      }),
      response: { 200: { content: { 'text/plain': { schema: Type.Unsafe<Readable>({ type: 'string' }) } } } },
    },
    handler: async (request, reply) => {
      const { target_id, step: order, colours } = request.query;
      const action = await findAction(db, request.params.action_id);
      if (!action) throw notFound('The action');
      const targets = (await targetsOf(db, [action.id])).filter(({ id }) => id === (target_id ?? id));
      if (target_id !== undefined && targets.length === 0) throw notFound('The target');
      const all = await actionStepsOf(
        db,
        targets.map(({ id }) => id),
      );
      const steps = all.filter(({ step_order }) => step_order === (order ?? step_order));
      if (order !== undefined && steps.length === 0) throw notFound('The step');
      const text = wholeText(db, { targets, steps, isStripped: colours === 'strip' });
      return (
        reply
          .header('content-type', 'text/plain; charset=utf-8')
          // What a script prints must not become a page.
          .header('x-content-type-options', 'nosniff')
          .send(Readable.from(text, { objectMode: false }))
      );
    },
  });
}

async function* wholeText(
  db: Db,
  { targets, steps, isStripped }: { targets: TargetRow[]; steps: ActionStepRow[]; isStripped: boolean },
): AsyncGenerator<string> {
  for (const target of targets) {
    const { hostname } = presentTargetData(target);
    for (const step of steps.filter(({ target_id }) => target_id === target.id)) {
      if (steps.length > 1) yield heading(hostname, step);
      let isAtLineStart = true;
      const strip = isStripped ? createColourStripper() : null;
      for (let seq = 0; ;) {
        const page = await readLogPage(db, step.id, { after: seq, limit: pageRows });
        if (page.length === 0) break;
        seq = page.at(-1)!.seq;
        const content = page.map((row) => row.content).join('');
        const shown = strip ? strip.push(content) : content;
        if (shown) yield shown;
        isAtLineStart = shown ? shown.endsWith('\n') : isAtLineStart;
      }
      const rest = strip?.end() ?? '';
      if (rest) yield rest;
      if (steps.length > 1 && !(rest ? rest.endsWith('\n') : isAtLineStart)) yield '\n';
    }
  }
}

function heading(hostname: string, { step_order, name, status, exit_code }: ActionStepRow): string {
  const code = exit_code === null || exit_code === 0 ? '' : `, exit code ${exit_code}`;
  return `==> ${hostname}, step ${step_order}${name ? ` "${name}"` : ''}: ${status}${code}\n`;
}
