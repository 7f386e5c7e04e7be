import type { Client } from '#sdk';
import type { ActualEnvironment } from './fetch-environment.ts';
import { createResource, deleteResource, updateResource } from './change-resource.ts';
import type { Change, Plan } from './plan.ts';
import type { Desired } from './read-file.ts';

/** What a new resource brought along that somebody has to do something with. */
export type Made = {
  resource: string;
  /** Of an incoming hook: the address for the sender. */
  url?: string;
  /** Made by the server, and shown this once. */
  secret?: string;
  /** Of a server whose keys were made: the line to run there. */
  ssh_install_command?: string;
};

export type Scene = {
  client: Client;
  environment: ActualEnvironment;
  /** What there is, or was made since, of what the file describes. */
  ids: Map<Desired, number | string>;
  plan: Plan;
  /** Called as soon as there is something to tell. */
  onMade: (made: Made) => Promise<void>;
};

export type Outcome = {
  done: Change[];
  failed: { change: Change; error: unknown } | null;
  left: Change[];
};

/**
 * Makes the changes one after another, and stops at the first that fails or when the signal says so. What was done stays:
 * a new plan goes on from there.
 */
export async function executePlan(
  scene: Scene,
  { signal, onChange }: { signal: AbortSignal; onChange: (change: Change, at: number) => void },
): Promise<Outcome> {
  const { changes } = scene.plan;
  for (const [index, change] of changes.entries()) {
    if (signal.aborted) return { done: changes.slice(0, index), failed: null, left: changes.slice(index) };
    onChange(change, index);
    try {
      if (change.action === 'create') await createResource(scene, change);
      else if (change.action === 'update') await updateResource(scene, change);
      else await deleteResource(scene, change);
    } catch (error) {
      return { done: changes.slice(0, index), failed: { change, error }, left: changes.slice(index + 1) };
    }
  }
  return { done: changes, failed: null, left: [] };
}
