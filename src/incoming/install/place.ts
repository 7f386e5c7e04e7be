import type { InstallationRow } from '../../hooks/installations.ts';
import type { HookRow } from '../../hooks/store.ts';
import { parseRepository } from '../../inventory/applications/repository.ts';
import { findApplication } from '../../inventory/applications/store.ts';
import { apiUrlOf, providerApi } from '../../inventory/credentials/provider-api.ts';
import { openSettings, type SourceProviderCode } from '../../inventory/credentials/source-provider.ts';
import { findCredential } from '../../inventory/credentials/store.ts';
import type { Db } from '../../platform/database/connect.ts';
import { AppError } from '../../platform/errors.ts';
import type { SecretBox } from '../../platform/secret-box.ts';
import { repositoryName, type Repository } from './provider-hooks.ts';

/** The repository that a hook belongs to, and what opens it. */
export type Place = { provider: SourceProviderCode; repository: Repository; token: string };

/** Throws `conflict` with what is missing. */
export async function placeOf({ db, box }: { db: Db; box: SecretBox }, hook: HookRow): Promise<Place> {
  const conflict = (message: string) => new AppError('conflict', message);
  const application =
    hook.resource_type === 'application' ? await findApplication(db, hook.resource_id) : undefined;
  if (!application) {
    throw conflict(
      'This hook belongs to a server. Only the hooks of applications have a repository where they can be installed.',
    );
  }
  const credential =
    application.credential_id === null ? undefined : await findCredential(db, application.credential_id);
  if (!credential) {
    throw conflict(
      `The application ${application.name} has no source provider: give it a credential, whose token may manage the webhooks of the repository.`,
    );
  }
  if (credential.active !== 1)
    throw conflict(`The credential ${credential.name} is not active: activate it, or use another one.`);
  const parsed = parseRepository(application.repository);
  if (!parsed) throw conflict(`The repository of the application ${application.name} cannot be read.`);
  // Safe: the schema of credentials allows no other.
  const provider = credential.provider_code as SourceProviderCode;
  const { access_token, api_url } = openSettings(box, credential);
  const api = providerApi(provider, apiUrlOf(provider, api_url));
  return { provider, repository: { ...api, ...parsed }, token: access_token };
}

/**
 * Where a hook was installed, if that is a repository of the same API. Elsewhere the token of today has nothing to do: it
 * goes to no address but its own.
 */
export function installedAt(
  { provider, repository }: Place,
  installation: InstallationRow | undefined,
): Repository | null {
  if (installation?.provider !== provider || installation.api_url !== repository.base) return null;
  if (installation.repository === repositoryName(repository)) return repository;
  const at = installation.repository.lastIndexOf('/');
  const [owner, name] = [installation.repository.slice(0, at), installation.repository.slice(at + 1)];
  return { host: repository.host, base: repository.base, owner, name };
}
