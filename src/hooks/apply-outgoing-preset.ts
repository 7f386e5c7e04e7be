import { findApplication } from '../inventory/applications/store.ts';
import { apiUrlOf } from '../inventory/credentials/provider-api.ts';
import {
  openSettings,
  sourceProviders,
  type SourceProviderCode,
} from '../inventory/credentials/source-provider.ts';
import { findCredential } from '../inventory/credentials/store.ts';
import type { Db } from '../platform/database/connect.ts';
import { invalid } from '../platform/errors.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import type { OutgoingInput } from './define-outgoing.ts';
import {
  outgoingPreset,
  outgoingPresets,
  type OutgoingPreset,
  type PresetPlace,
} from './outgoing-presets.ts';
import { incomingVariables } from './store.ts';

/** The pipeline that a hook tells of, or in the older form its resource and operation. */
export type HookSubject = {
  pipelineId: number | null;
  resourceType: string;
  resourceId: number;
  actionType: string;
};

/**
 * Completes what was given by what the preset says for this pipeline. What is given goes first; of headers and settings
 * each one by itself. Throws `invalid` when something is missing that only the caller can know.
 */
export async function applyPreset(
  { db, box }: { db: Db; box: SecretBox },
  name: OutgoingPreset,
  subject: HookSubject,
  given: OutgoingInput,
): Promise<OutgoingInput> {
  const preset = outgoingPreset(name);
  const place = await placeOf({ db, box }, subject);
  if (preset.provider !== null && given.target_url === undefined) checkProvider(name, subject, place);
  if (preset.provider === null && given.target_url === undefined) {
    const message = `is needed with the preset ${name}: ${preset.address}`;
    throw invalid([{ field: 'target_url', message }]);
  }
  const made = preset.make(place);
  return {
    ...made,
    ...defined(given),
    name: given.name ?? preset.name,
    settings: {
      ...made.settings,
      // Null is a body too: none.
      ...(given.settings?.request_body === undefined ? {} : { request_body: given.settings.request_body }),
      request_headers: overlay(made.settings?.request_headers ?? [], given.settings?.request_headers ?? []),
    },
    trigger_when: { ...made.trigger_when, ...defined(given.trigger_when ?? {}) },
  };
}

function checkProvider(name: OutgoingPreset, { resourceType }: HookSubject, place: PresetPlace): void {
  const { provider } = outgoingPreset(name);
  if (provider === null || place.provider === provider) return;
  const wanted = sourceProviders[provider].name;
  const fault = (message: string) => invalid([{ field: 'preset', message }]);
  if (resourceType !== 'application')
    throw fault(`needs the pipeline of an application, whose repository is at ${wanted}`);
  if (place.provider === null) {
    throw fault(`needs the application to have a source provider of ${wanted}: give it a credential first`);
  }
  const alike = outgoingPresets.filter((one) => one.startsWith(place.provider!));
  throw fault(
    `is for ${wanted}, but the application's source provider is ${sourceProviders[place.provider].name}. There are ${alike.join(' and ')}`,
  );
}

async function placeOf({ db, box }: { db: Db; box: SecretBox }, subject: HookSubject): Promise<PresetPlace> {
  const variables = await incomingVariables(db, box, subject);
  const { resourceType } = subject;
  const nowhere: PresetPlace = { provider: null, apiUrl: '', resourceType, variables };
  if (resourceType !== 'application') return nowhere;
  const application = await findApplication(db, subject.resourceId);
  const credential =
    application?.credential_id == null ? undefined : await findCredential(db, application.credential_id);
  if (!application || !credential) return nowhere;
  // Safe: the schema of credentials allows no other.
  const provider = credential.provider_code as SourceProviderCode;
  const apiUrl = apiUrlOf(provider, openSettings(box, credential).api_url);
  return { provider, apiUrl, resourceType, variables };
}

function defined<Value extends object>(value: Value): Partial<Value> {
  // Safe: only entries are left out.
  return Object.fromEntries(
    Object.entries(value).filter(([, one]) => one !== undefined && one !== null),
  ) as Partial<Value>;
}

type Header = { name: string; value: string };

function overlay(made: Header[], given: Header[]): Header[] {
  const names = new Set(given.map(({ name }) => name.toLowerCase()));
  return [...made.filter(({ name }) => !names.has(name.toLowerCase())), ...given];
}
