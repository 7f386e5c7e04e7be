import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { join, posix } from 'node:path';
import type { Connection } from '../../platform/database/connect.ts';
import { EgressRefused, type EgressGuard } from '../../platform/egress-guard.ts';
import { TargetUnusable, type StepOutcome, type StepRun } from '../executors/executor.ts';
import type { PreparedRelease } from '../prepare-run.ts';
import type { RunRecord } from '../run-record.ts';
import type { Target } from '../targets.ts';
import { folderName } from './deployment.ts';
import { createReportReader, type Report } from './report.ts';
import { activateScript, fetchScript, pruneScript } from './scripts.ts';
import { releasesToKeep } from './store.ts';

/** The steps that Hookline does itself. */
const ownSteps = ['fetch', 'activate', 'prune'] as const;
type OwnStep = (typeof ownSteps)[number];

export function isReleaseStep(kind: string): kind is OwnStep {
  return ownSteps.some((own) => own === kind);
}

/** A deployment on all of its targets. */
export type ReleaseRun = {
  /** What it does at one of them, in the order of the steps. */
  at(target: Target): {
    /** A step of the pipeline, or the application's command, in the folder of the release. */
    run(step: StepRun): Promise<StepOutcome>;
    runOwn(kind: OwnStep, step: StepRun): Promise<StepOutcome>;
  };
};

export function createReleaseRun(context: {
  connection: Connection;
  guard: EgressGuard;
  record: RunRecord;
  prepared: PreparedRelease;
  targets: number;
  installation: string;
}): ReleaseRun {
  const { connection, guard, record, prepared } = context;
  const { application, deployment, source } = prepared;
  const name = deployment.release_name;
  /** The first target says which commit a branch means, so that all get the same one. */
  let first: Promise<string> | null =
    prepared.commitHash === '' ? null : Promise.resolve(prepared.commitHash);
  let commitHash = deployment.commit?.hash ?? prepared.commitHash;
  let toActivate = context.targets;

  const at: ReleaseRun['at'] = (target) => {
    let directory =
      application.deploy_directory ??
      target.applicationDirectory({ id: application.id, folder: folderName(application) });
    const inRelease = (step: StepRun): StepRun => {
      const release = join(directory, 'releases', name);
      return {
        ...step,
        environment: {
          ...step.environment,
          HOOKLINE_COMMIT_HASH: commitHash,
          HOOKLINE_RELEASE_NAME: name,
        },
        paths: {
          HOOKLINE_APPLICATION_DIR: directory,
          HOOKLINE_RELEASE_DIR: release,
          HOOKLINE_CURRENT_DIR: join(directory, 'current'),
        },
        workingDirectory: join(release, rootDirectory(application.root_directory)),
        keepSiblingsDays: null,
        // What is served to the world is read by other users, e.g. a web server's.
        directoryMode: '755',
      };
    };
    const runReporting = async (step: StepRun, script: string, more: Record<string, string>) => {
      const reader = createReportReader(step.onOutput);
      const inside = inRelease(step);
      const outcome = await target.executor.run({
        ...inside,
        script,
        environment: { ...inside.environment, ...more, HOOKLINE_REPORT: reader.word },
        workingDirectory: directory,
        onOutput: reader.push,
      });
      const report = await reader.end();
      // From here on it is the same folder for every step, whoever that runs as.
      directory = report.applicationDirectory ?? directory;
      return { outcome, report };
    };
    const keep = async () => {
      const { ready, building } = await releasesToKeep(
        connection.db,
        application.id,
        application.deployments_keep,
      );
      return { ready, text: [...ready, ...building].join(' ') };
    };

    const fetch = async (step: StepRun): Promise<StepOutcome> => {
      const done = Promise.withResolvers<string>();
      const leader = first;
      first ??= done.promise;
      const wanted = leader ? await leader : '';
      let report: Report = {};
      try {
        const result = await runReporting(step, fetchScript, {
          ...(await gitEnvironment(target)),
          HOOKLINE_COMMIT_HASH: wanted,
          HOOKLINE_KEEP_RELEASES: (await keep()).text,
          HOOKLINE_ROOT_DIRECTORY: rootDirectory(application.root_directory),
          HOOKLINE_DEPLOY_OWNER: `${context.installation}/${application.id}`,
        });
        ({ report } = result);
        return result.outcome;
      } finally {
        if (report.commit) {
          commitHash = report.commit.hash;
          if (!leader || deployment.commit === null) {
            deployment.commit = report.commit;
            await record.setCommit(deployment, report.commit);
          }
        }
        // Where it failed, each of the others finds out by itself.
        done.resolve(report.commit?.hash ?? '');
      }
    };

    const gitEnvironment = async ({ isLocal }: Target): Promise<Record<string, string>> => {
      const host = hostOf(source.url);
      return {
        HOOKLINE_SOURCE_URL: source.url,
        HOOKLINE_GIT_ORIGIN: source.login?.origin ?? '',
        HOOKLINE_GIT_USERNAME: source.login?.username ?? '',
        HOOKLINE_GIT_PASSWORD: source.login?.password ?? '',
        HOOKLINE_GIT_HOST: host?.name ?? '',
        HOOKLINE_GIT_PORT: host?.port ?? '',
        // A server is in a network of its own, which is not ours to guard.
        HOOKLINE_GIT_ADDRESS: isLocal && host ? await checkedAddress(guard, host.name) : '',
      };
    };

    const own: Record<OwnStep, (step: StepRun) => Promise<StepOutcome>> = {
      fetch,
      activate: async (step) => {
        const { outcome } = await runReporting(step, activateScript, {});
        if (outcome.kind === 'exited' && outcome.code === 0 && --toActivate === 0) {
          await record.activateRelease(application.id, name);
        }
        return outcome;
      },
      prune: async (step) => {
        const { ready, text } = await keep();
        const { outcome } = await runReporting(step, pruneScript, { HOOKLINE_KEEP_RELEASES: text });
        if (outcome.kind === 'exited' && outcome.code === 0) await record.markRemoved(application.id, ready);
        return outcome;
      },
    };
    return {
      run: (step) => target.executor.run(inRelease(step)),
      runOwn: (kind, step) => own[kind](step),
    };
  };
  return { at };
}

/** Always relative: it is a folder of the repository, however it was written. */
function rootDirectory(given: string | null): string {
  return posix.normalize(`/${given ?? ''}`).slice(1) || '.';
}

function hostOf(url: string): { name: string; port: string } | null {
  const parsed = URL.parse(url);
  if (parsed?.hostname) {
    const port =
      parsed.port || { 'https:': '443', 'http:': '80', 'ssh:': '22', 'git:': '9418' }[parsed.protocol] || '';
    return { name: parsed.hostname.replaceAll(/[[\]]/g, ''), port };
  }
  const scp = /^(?:[^@/\s]+@)?([^/:\s]+):/.exec(url)?.[1];
  return scp === undefined ? null : { name: scp, port: '22' };
}

/** Throws TargetUnusable for a host that may not be reached from here. */
async function checkedAddress(guard: EgressGuard, host: string): Promise<string> {
  try {
    const addresses = isIP(host) ? [{ address: host }] : await lookup(host, { all: true });
    for (const { address } of addresses) guard.check(address);
    return addresses[0]?.address ?? '';
  } catch (error) {
    if (error instanceof EgressRefused) throw new TargetUnusable(error.message, { cause: error });
    throw new TargetUnusable(`the host ${host} of the repository could not be found.`, { cause: error });
  }
}
