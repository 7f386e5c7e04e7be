import {
  HooklineError,
  previewNewIncomingHook,
  previewNewOutgoingHook,
  type Client,
  type PreviewNewIncomingHookData,
  type PreviewNewOutgoingHookData,
} from '#sdk';
import type { Actual, ActualEnvironment } from './fetch-environment.ts';
import { canonicalFields, flatten, nest, type Fields } from './kinds.ts';

/** The server's refusal of such a hook, or null where it cannot be asked: without a pipeline, or without permission. */
type NoDefaults = HooklineError | null;

/** What the server makes of a hook with these fields and no others. */
export type HookDefaults = (hook: Actual, given: Fields) => Promise<Fields | NoDefaults>;

/** Asks the server, once for each question: what a preset or a scheme says, it knows alone. */
export function createHookDefaults(client: Client, environment: ActualEnvironment): HookDefaults {
  const asked = new Map<string, Promise<Fields | NoDefaults>>();
  return async (hook, given) => {
    const pipeline = pipelineOf(environment, hook);
    if (!pipeline) return null;
    const key = JSON.stringify([hook.kind, pipeline.id, given]);
    if (!asked.has(key)) {
      const ask = hook.kind === 'incoming_hook' ? askIncoming : askOutgoing;
      asked.set(key, ask(client, Number(pipeline.id), given));
    }
    return await asked.get(key)!;
  };
}

/** In the older form any pipeline of the operation will do. */
function pipelineOf({ resources }: ActualEnvironment, { owner, fields }: Actual): Actual | undefined {
  if (owner?.kind === 'pipeline') return owner;
  return resources.find(
    (one) =>
      one.kind === 'pipeline' && one.owner === owner && one.fields['operation'] === fields['action_type'],
  );
}

async function askIncoming(client: Client, pipelineId: number, given: Fields): Promise<Fields | NoDefaults> {
  // Safe: the fields of a file have the names and types of the API.
  const hook = { name: 'draft', ...nest(given) } as PreviewNewIncomingHookData['body']['hook'];
  return await orRefusal(async () => {
    const draft = await previewNewIncomingHook({ client, path: { pipeline_id: pipelineId }, body: { hook } });
    const { name: _, warnings: __, ...fields } = draft;
    return canonicalFields('incoming_hook', flatten(fields));
  });
}

async function askOutgoing(client: Client, pipelineId: number, given: Fields): Promise<Fields | NoDefaults> {
  // Safe: as above.
  const hook = { name: 'draft', ...nest(given) } as PreviewNewOutgoingHookData['body']['hook'];
  return await orRefusal(async () => {
    const draft = await previewNewOutgoingHook({ client, path: { pipeline_id: pipelineId }, body: { hook } });
    const { target_url, settings, events, signing } = draft;
    return canonicalFields(
      'outgoing_hook',
      flatten({ target_url, settings, signing, trigger_when: { events } }),
    );
  });
}

/** A file may ask for what does not go together, and whoever reads may not be allowed to ask. */
async function orRefusal(ask: () => Promise<Fields>): Promise<Fields | NoDefaults> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof HooklineError && error.status === 422) return error;
    if (error instanceof HooklineError && error.status === 403) return null;
    throw error;
  }
}
