import { Type, type Static } from 'typebox';
import { UserRelation } from '../../accounts/present.ts';
import { isoTime } from '../../platform/clock.ts';
import { Nullable, Time } from '../../platform/http/schemas.ts';
import { mask } from '../../platform/secret-box.ts';
import { OrganizationRelation } from '../places/present.ts';
import { sourceProviders, type SourceProviderCode } from './source-provider.ts';
import type { CredentialRow } from './store.ts';

export const Credential = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  provider: Type.Object({
    active: Type.Boolean(),
    code: Type.String(),
    code_human_readable: Type.String(),
    type: Type.String(),
    type_human_readable: Type.String(),
  }),
  provider_type: Type.String(),
  provider_type_human_readable: Type.String(),
  provider_auth_type: Type.String(),
  provider_auth_type_human_readable: Type.String(),
  active: Type.Boolean(),
  environment_id: Nullable(Type.Integer()),
  settings: Type.Object({ access_token: Type.String(), api_url: Nullable(Type.String()) }),
  organization: Nullable(OrganizationRelation),
  created_by_user: Nullable(UserRelation),
  last_action: Type.Null(),
  created_at: Time,
  updated_at: Time,
});

/** The access token is never shown again, not even in part. */
export function presentCredential(row: CredentialRow, apiUrl: string | null): Static<typeof Credential> {
  const provider = sourceProviders[row.provider_code as SourceProviderCode];
  return {
    id: row.id,
    name: row.name,
    provider: {
      active: true,
      code: row.provider_code,
      code_human_readable: provider.name,
      type: row.provider_type,
      type_human_readable: 'Source provider',
    },
    provider_type: row.provider_type,
    provider_type_human_readable: 'Source provider',
    provider_auth_type: 'api_credentials',
    provider_auth_type_human_readable: 'API credentials',
    active: row.active === 1,
    environment_id: row.environment_id,
    settings: { access_token: mask, api_url: apiUrl },
    organization: null,
    created_by_user: null,
    last_action: null,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
}
