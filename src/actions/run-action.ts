import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { openSettings } from '../inventory/credentials/source-provider.ts';
import { findServer } from '../inventory/servers/store.ts';
import { environmentVariables } from '../inventory/variables/store.ts';
import type { Clock } from '../platform/clock.ts';
import type { Connection } from '../platform/database/connect.ts';
import { parseExactJson } from '../platform/exact-json.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import { actionUrl, type EventWriter } from './events.ts';
import { TargetUnusable, type Executor, type StepOutcome } from './executors/executor.ts';
import { createRunRecord, type RunRecord } from './run-record.ts';
import type { ActionRow, ActionStepRow, TargetRow } from './store.ts';
import type { ClaimedAction } from './take-next.ts';
import type { ActionParameters, TriggeredFrom, VariableValue } from './trigger.ts';

/** A step that takes longer is ended. */
const stepTimeoutMs = 3_600_000;

export type RunContext = {
  connection: Connection;
  writer: EventWriter;
  clock: Clock;
  box: SecretBox;
  log: Logger;
  local: Executor;
  workspaces: string;
};

/**
 * Runs a claimed action to its end: targets side by side, the steps of each in order. A failing step fails its
 * target and skips the steps after it; a failed target fails the action. Aborting `signal` ends what runs and writes
 * nothing more: whoever aborts says what becomes of the action.
 */
export async function runAction(
  context: RunContext,
  claimed: ClaimedAction,
  nodeId: string,
  signal: AbortSignal,
): Promise<void> {
  const { action, runId } = claimed;
  const record = createRunRecord(context, action, nodeId);
  const { environment, secrets } = await prepare(context, action);
  const run: TargetRun = {
    context,
    record,
    runId,
    environment,
    secrets,
    workingDirectory: join(context.workspaces, String(action.id)),
    signal,
  };
  const reasons = await Promise.all(claimed.targets.map((target) => runTarget(run, target)));
  if (signal.aborted) return;
  const failures = reasons.filter((reason) => reason !== null);
  const noSteps = claimed.targets.every(({ steps }) => steps.length === 0);
  if (failures.length > 0) await record.endAction('failed', failures.join(' '));
  else await record.endAction('completed', noSteps ? 'Completed: its pipeline has no steps.' : 'Completed.');
}

type TargetRun = {
  context: RunContext;
  record: RunRecord;
  runId: string;
  environment: Record<string, string>;
  secrets: string[];
  workingDirectory: string;
  signal: AbortSignal;
};

/** Returns why the target failed, or null. */
async function runTarget(
  run: TargetRun,
  { row, steps }: { row: TargetRow; steps: ActionStepRow[] },
): Promise<string | null> {
  const { hostname } = JSON.parse(row.resource_data) as { hostname: string };
  for (const [index, step] of steps.entries()) {
    const failure = row.resource_id === 0 ? await runStep(run, step, hostname) : unreachable(hostname);
    if (run.signal.aborted) return null;
    if (failure) {
      await run.record.failTarget(row, step, steps.slice(index + 1), failure);
      return failure.reason;
    }
    await run.record.completeStep(step, steps[index + 1] ?? null);
  }
  await run.record.completeTarget(row);
  return null;
}

type StepFailure = { exitCode: number | null; reason: string };

function unreachable(hostname: string): StepFailure {
  return {
    exitCode: null,
    reason: `${hostname}: this version of Hookline runs steps on the target local only.`,
  };
}

async function runStep(run: TargetRun, step: ActionStepRow, hostname: string): Promise<StepFailure | null> {
  const label = `Step ${step.step_order}${step.name ? ` "${step.name}"` : ''} on ${hostname}`;
  const output = run.record.openOutput(step, run.secrets);
  try {
    const outcome = await run.context.local.run({
      runId: run.runId,
      script: step.command,
      environment: { ...run.environment, HOOKLINE_STEP: String(step.step_order), HOOKLINE_TARGET: hostname },
      workingDirectory: run.workingDirectory,
      runAsUser: step.run_as_user,
      timeoutMs: stepTimeoutMs,
      signal: run.signal,
      onOutput: (text) => output.write(text),
    });
    await output.end();
    return explain(outcome, label);
  } catch (error) {
    if (!(error instanceof TargetUnusable)) throw error;
    await output.end();
    return { exitCode: null, reason: `${label}: ${error.message}` };
  }
}

function explain(outcome: StepOutcome, label: string): StepFailure | null {
  switch (outcome.kind) {
    case 'exited':
      return outcome.code === 0
        ? null
        : { exitCode: outcome.code, reason: `${label} exited with code ${outcome.code}.` };
    case 'signalled':
      return { exitCode: null, reason: `${label} was ended by ${outcome.signal}.` };
    case 'timed-out':
      return {
        exitCode: null,
        reason: `${label} took longer than ${stepTimeoutMs / 60_000} minutes and was ended.`,
      };
    case 'cancelled':
      return { exitCode: null, reason: `${label} was cancelled.` };
    default:
      return outcome satisfies never;
  }
}

/** The clean environment of the steps, and what must not appear in their logs. */
async function prepare(
  { connection: { db }, writer, box, workspaces }: RunContext,
  action: ActionRow,
): Promise<{ environment: Record<string, string>; secrets: string[] }> {
  const resource = { type: action.resource_type, id: action.resource_id };
  const variables = await environmentVariables(db, box, resource);
  const secrets = variables.filter(({ hidden }) => hidden).map(({ value }) => value);
  const credential = await db
    .selectFrom('applications')
    .innerJoin('credentials', 'credentials.id', 'applications.credential_id')
    .select('credentials.settings_sealed')
    .where('applications.id', '=', action.resource_type === 'application' ? action.resource_id : 0)
    .executeTakeFirst();
  if (credential) secrets.push(openSettings(box, credential).access_token);

  const { hook_parsed_variables } = parseExactJson(action.triggered_from) as TriggeredFrom;
  const parameters = JSON.parse(action.parameters) as ActionParameters;
  const { username } = userInfo();
  const environment: Record<string, string> = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: homedir(),
    USER: username,
    LOGNAME: username,
    SHELL: '/bin/bash',
    LANG: 'C.UTF-8',
    ...Object.fromEntries(variables.map(({ key, value }) => [key, clean(value)])),
    HOOKLINE_ACTION_ID: String(action.id),
    HOOKLINE_ACTION_URL: actionUrl(writer.publicUrl(), action.id),
    HOOKLINE_PIPELINE_ID: String(action.pipeline_id ?? ''),
    HOOKLINE_RELEASE_DIR: join(workspaces, String(action.id)),
    HOOKLINE_SOURCE_TYPE: parameters.source_type ?? '',
    HOOKLINE_SOURCE_REF: clean(parameters.source_ref ?? ''),
    HOOKLINE_COMMIT_HASH: clean(parameters.commit_hash ?? ''),
  };
  const server = action.resource_type === 'server' ? await findServer(db, action.resource_id) : undefined;
  if (server) {
    environment['HOOKLINE_SERVER_ID'] = String(server.id);
    environment['HOOKLINE_SERVER_HOSTNAME'] = server.hostname;
    environment['HOOKLINE_SERVER_ADDRESS'] = server.ip_address ?? server.hostname;
    environment['HOOKLINE_SERVER_SSH_PORT'] = String(server.ssh_port);
    environment['HOOKLINE_SERVER_SSH_USER'] = server.ssh_user;
  }
  for (const [name, value] of Object.entries(hook_parsed_variables ?? {})) {
    environment[`HOOKLINE_VAR_${name.toUpperCase()}`] = clean(asText(value));
  }
  return { environment, secrets };
}

function asText(value: VariableValue): string {
  if (value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The system cannot pass NUL in an environment. */
function clean(value: string): string {
  return value.replaceAll('\0', '');
}
