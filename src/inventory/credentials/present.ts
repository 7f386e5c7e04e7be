import { Type, type Static } from 'typebox';
import { UserRelation, type UserLookup } from '../../accounts/present.ts';
import { isoTime } from '../../platform/clock.ts';
import { Nullable, OneOf, Time, Unused } from '../../platform/http/schemas.ts';
import { mask } from '../../platform/secret-box.ts';
import { OrganizationRelation, presentOrganization } from '../places/present.ts';
import type { OrganizationRow } from '../places/store.ts';
import { sourceProviderCodes, sourceProviders, type SourceProviderCode } from './source-provider.ts';
import type { CredentialRow } from './store.ts';

export const CredentialRelation = Type.Object(
  {
    id: Type.Integer(),
    name: Type.String(),
    provider: Type.Object(
      {
        active: Type.Boolean(),
        code: OneOf(sourceProviderCodes),
        code_human_readable: Type.String(),
        type: OneOf(['source_provider']),
        type_human_readable: Type.String(),
      },
      { title: 'Provider' },
    ),
    provider_type: OneOf(['source_provider']),
    provider_type_human_readable: Type.String(),
    provider_auth_type: OneOf(['api_credentials']),
    provider_auth_type_human_readable: Type.String(),
    active: Type.Boolean(),
    environment_id: Nullable(
      Type.Integer({ description: 'Null: usable in every environment of the organization.' }),
    ),
    settings: Type.Object(
      {
        access_token: Type.String({ description: 'Always a mask.', examples: [mask] }),
        api_url: Nullable(Type.String({ description: 'Null: the public address of the provider.' })),
      },
      { title: 'CredentialSettings' },
    ),
    created_by_user: Nullable(UserRelation),
    last_action: Unused,
    created_at: Time,
    updated_at: Time,
  },
  { title: 'CredentialRelation' },
);

export const Credential = Type.Object(
  { ...CredentialRelation.properties, organization: Nullable(OrganizationRelation) },
  { title: 'Credential' },
);

/** The access token is never shown again, not even in part. */
export function presentCredentialRelation(
  row: CredentialRow,
  apiUrl: string | null,
  users: UserLookup,
): Static<typeof CredentialRelation> {
  // Safe: only the schema's values are written.
  const code = row.provider_code as SourceProviderCode;
  return {
    id: row.id,
    name: row.name,
    provider: {
      active: true,
      code,
      code_human_readable: sourceProviders[code].name,
      type: 'source_provider',
      type_human_readable: 'Source provider',
    },
    provider_type: 'source_provider',
    provider_type_human_readable: 'Source provider',
    provider_auth_type: 'api_credentials',
    provider_auth_type_human_readable: 'API credentials',
    active: row.active === 1,
    environment_id: row.environment_id,
    settings: { access_token: mask, api_url: apiUrl },
    created_by_user: users(row.created_by),
    last_action: null,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
}

export function presentCredential(
  row: CredentialRow,
  apiUrl: string | null,
  { organization, users }: { organization: OrganizationRow | undefined; users: UserLookup },
): Static<typeof Credential> {
  return {
    ...presentCredentialRelation(row, apiUrl, users),
    organization: organization ? presentOrganization(organization, users) : null,
  };
}
