import { events, getAction, type Action, type ActionEvent } from '#sdk';
import type { ClientContext } from './context.ts';
import { exitCodes } from './fault.ts';
import { plain } from './io.ts';
import { createLogCleaner } from './log-text.ts';
import { duration } from './relative-time.ts';

type FollowOptions = {
  /** Whether the colours of the output are left in, on a terminal. */
  colours: boolean;
  /** The output of the steps, or only how each of them goes. */
  output?: boolean;
  /** Whether the end of the action becomes the exit code. */
  exitCode?: boolean;
};

/** Shows what an action does until it ends, then how it ended. With `--json` each event is a line. */
export async function followAction(
  context: ClientContext,
  actionId: number,
  { colours, output = true, exitCode = true }: FollowOptions,
): Promise<void> {
  const { client, out, signal, io } = context;
  const screen = createScreen(context, colours && io.isTerminal && !io.env['NO_COLOR']);
  let action = await getAction({ client, path: { action_id: actionId } });
  if (!out.isJson) out.note(`Action ${actionId}: ${describe(action)}`);
  const onConnection = (state: 'open' | 'lost') =>
    state === 'lost' ? out.progress('The connection was lost; trying again …') : out.progress('');
  for await (const event of events(actionId, { client, signal, onConnection })) {
    if (out.isJson) {
      out.event(event, '');
      continue;
    }
    if ((event.type === 'log' || event.type === 'step') && !stepOf(action, stepId(event)))
      action = await getAction({ client, path: { action_id: actionId } });
    if (event.type === 'log' && output) screen.log(action, event.data.step_id, event.data.content);
    if (event.type === 'step') screen.step(action, event, output);
  }
  if (signal.aborted) return;
  const last = await getAction({ client, path: { action_id: actionId } });
  screen.endLine();
  const end = `Action ${actionId} ${ended(last)}: ${plain(last.status_reason_human_readable)}`;
  if (out.isJson) out.event({ type: 'end', data: { id: last.id, status: last.status } }, '');
  else out.note(out.colour(end, last.status === 'completed' ? 'green' : 'red'));
  if (exitCode && last.status !== 'completed') context.setExitCode(exitCodes.notSucceeded);
}

function createScreen({ out }: ClientContext, colours: boolean) {
  const cleaners = new Map<number, (text: string) => string>();
  let current: number | null = null;
  let isInLine = false;
  const endLine = () => {
    if (isInLine) out.raw('\n');
    isInLine = false;
  };
  return {
    endLine,
    log(action: Action, step: number, content: string) {
      const clean = cleaners.get(step) ?? createLogCleaner(colours);
      cleaners.set(step, clean);
      const text = clean(content);
      if (text === '') return;
      if (current !== step) {
        endLine();
        out.raw(`${out.colour(`==> ${titleOf(action, step)}`, 'bold')}\n`);
        current = step;
      }
      out.raw(text);
      isInLine = !text.endsWith('\n');
    },
    step(action: Action, { data }: Exclude<ActionEvent, { type: 'log' }>, isBrief: boolean) {
      if (data.status === 'pending' || data.status === 'queued') return;
      // The heading above the output tells it.
      if (isBrief && data.status === 'in-progress') return;
      endLine();
      out.raw(`${out.status(data.status)}  ${titleOf(action, data.id)}${tookOf(data)}\n`);
      current = null;
    },
  };
}

function tookOf(data: Record<string, unknown>): string {
  const { started_at: from, completed_at: to } = data;
  if (typeof from !== 'string' || typeof to !== 'string') return '';
  return `  ${duration(Date.parse(to) - Date.parse(from))}`;
}

function stepId(event: ActionEvent): number {
  return event.type === 'log' ? event.data.step_id : event.data.id;
}

function stepOf(action: Action, id: number) {
  for (const target of action.targets)
    for (const step of target.steps) if (step.id === id) return { target, step };
  return null;
}

/** `web-1, step 2 "Build"` */
function titleOf(action: Action, id: number): string {
  const found = stepOf(action, id);
  if (!found) return `step ${id}`;
  const { target, step } = found;
  const name = step.name === null ? '' : ` "${plain(step.name)}"`;
  return `${plain(target.resource_data.hostname)}, step ${step.order}${name}`;
}

function describe({ type_human_readable, resource, action_data }: Action): string {
  const name = resource.data && ('hostname' in resource.data ? resource.data.hostname : resource.data.name);
  const ref = action_data?.deployment.source_ref;
  return plain([type_human_readable, name, ref && `from ${ref}`].filter(Boolean).join(' '));
}

function ended({ status, started_at, completed_at }: Action): string {
  if (!started_at || !completed_at) return status;
  return `${status} after ${duration(Date.parse(completed_at) - Date.parse(started_at))}`;
}
