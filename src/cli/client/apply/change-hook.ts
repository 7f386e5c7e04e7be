import {
  addHook,
  addPipelineHook,
  getHook,
  rotateHookSecret,
  updateHook,
  type AddHookData,
  type AddPipelineHookData,
  type Hook,
  type UpdateHookData,
} from '#sdk';
import { CliFault } from '../fault.ts';
import { toSend } from './compare.ts';
import type { Scene } from './execute-plan.ts';
import { hookFields } from './fetch-environment.ts';
import { canonicalFields, flatten, kinds, nest, type Fields } from './kinds.ts';
import { changesBetween, type Change } from './plan.ts';

/** A preset adds to what is given, and its conditions may come back once: so often a change is looked at again. */
const mostRounds = 3;

/** Gives the id. What the server has made of it otherwise than the file says is changed at once. */
export async function createHook(scene: Scene, change: Change, given: Fields): Promise<string> {
  const { client, ids, onMade } = scene;
  const desired = change.desired!;
  const { owner } = desired;
  const hook_type = typeOf(change);
  const fields: Fields = { name: desired.name, ...nest(given) };
  const ownerId = Number(ids.get(owner!));
  // Safe, here and below: the fields of a file have the names and types of the API.
  const hook =
    owner?.kind === 'pipeline'
      ? await addPipelineHook({
          client,
          path: { hook_type, pipeline_id: ownerId },
          body: fields as AddPipelineHookData['body'],
        })
      : await addHook({
          client,
          path: { hook_type },
          body: { ...fields, resource_type: owner?.kind, resource_id: ownerId } as AddHookData['body'],
        });
  const isMade = hook.secret !== '' && change.fields['secret'] === undefined;
  await onMade({
    resource: desired.address,
    ...(hook.url === null ? {} : { url: hook.url }),
    ...(isMade ? { secret: hook.secret } : {}),
  });
  await settle(scene, change, hook);
  return hook.id;
}

export async function changeHook(scene: Scene, change: Change, changed: Fields): Promise<void> {
  const { client, onMade } = scene;
  const actual = change.actual!;
  const path = { hook_type: typeOf(change), hook_id: String(actual.id) };
  const { signing, ...rest } = changed;
  // Only this call makes a secret for a hook that there is already; it signs from then on.
  const makesSecret = path.hook_type === 'outgoing' && signing === true && changed['secret'] === undefined;
  const body = makesSecret ? rest : changed;
  if (Object.keys(body).length > 0)
    await updateHook({ client, path, body: nest(body) as UpdateHookData['body'] });
  if (makesSecret) {
    const { secret } = await rotateHookSecret({ client, path, body: {} });
    await onMade({ resource: change.address, secret });
  }
  await settle(scene, change, await getHook({ client, path }));
}

async function settle({ client }: Scene, change: Change, hook: Hook): Promise<void> {
  const { kind, fields } = change;
  const { secret: _, ...wanted } = fields;
  const path = { hook_type: typeOf(change), hook_id: hook.id };
  let now = hook;
  for (let round = 0; ; round++) {
    const actual = canonicalFields(kind, flatten(hookFields(now)));
    const options = { sendsSecrets: false, mustSend: false };
    const found = { kept: [], sent: [], missing: [] };
    const left = changesBetween(kind, wanted, actual, options, found).filter(
      ({ field }) => !kinds[kind].fields[field]?.isFixed,
    );
    if (left.length === 0) return;
    if (round === mostRounds) {
      const names = left.map(({ field }) => field).join(', ');
      throw new CliFault(`The server keeps another ${names} of ${change.address} than the file says.`);
    }
    const body = Object.fromEntries(
      left.map(({ field, to }) => [field, toSend(field, to, actual[field], options)]),
    );
    await updateHook({ client, path, body: nest(body) as UpdateHookData['body'] });
    now = await getHook({ client, path });
  }
}

function typeOf({ kind }: Change): 'incoming' | 'outgoing' {
  return kind === 'incoming_hook' ? 'incoming' : 'outgoing';
}
