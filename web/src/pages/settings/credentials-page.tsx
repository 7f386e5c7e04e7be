import { Group, PasswordInput, Select, Switch, Text, TextInput } from '@mantine/core';
import {
  addEnvironmentCredential,
  addOrganizationCredential,
  deleteCredential,
  listEnvironmentCredentials,
  updateCredential,
  type CredentialCreate,
  type CredentialRelation,
} from '#sdk';
import { useList } from '../../api/lists.ts';
import { ConfirmButton } from '../../components/confirm-button.tsx';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Time } from '../../components/time.tsx';
import { usePlace } from '../../shell/place.tsx';
import { FormButton } from './form-button.tsx';
import { readAgain } from './settings-data.ts';

const providers = [
  { value: 'github', label: 'GitHub' },
  { value: 'gitlab', label: 'GitLab' },
  { value: 'bitbucket', label: 'Bitbucket' },
] as const;

export function CredentialsPage() {
  const { environment } = usePlace();
  const path = { environment_id: environment?.id ?? 0 };
  const list = useList(
    ['credentials', path.environment_id],
    listEnvironmentCredentials,
    { path },
    { enabled: environment !== null },
  );
  const add = (
    <FormButton
      label="Add a credential"
      button={{ variant: 'filled' }}
      title="Add a credential"
      submit="Add"
      onSubmit={async ({ text, optional }) => {
        const provider = providers.find(({ value }) => value === text('provider_code'));
        const body: CredentialCreate = {
          name: text('name'),
          provider_code: provider?.value ?? 'github',
          settings: { access_token: text('access_token'), api_url: optional('api_url') },
        };
        const organizationId = environment?.project?.organization?.id;
        if (text('for') === 'organization' && organizationId !== undefined)
          await addOrganizationCredential({ path: { organization_id: String(organizationId) }, body });
        else await addEnvironmentCredential({ path, body });
        await readAgain('credentials');
      }}
    >
      {(faults) => (
        <>
          <TextInput label="Name" name="name" required data-autofocus error={faults['name']} />
          <Select
            label="Source provider"
            name="provider_code"
            data={providers}
            defaultValue="github"
            allowDeselect={false}
            error={faults['provider_code']}
          />
          <Select
            label="For"
            name="for"
            data={[
              { value: 'environment', label: 'This environment' },
              { value: 'organization', label: 'The whole organization' },
            ]}
            defaultValue="environment"
            allowDeselect={false}
          />
          <AccessToken required error={faults['settings.access_token']} />
          <ApiUrl error={faults['settings.api_url']} />
        </>
      )}
    </FormButton>
  );
  const columns: Column<CredentialRelation>[] = [
    {
      key: 'name',
      header: 'Name',
      phone: 'bare',
      cell: ({ name, id, environment_id }) => (
        <>
          <Text span size="sm" fw={600}>
            {name}
          </Text>
          <Text size="xs" c="dimmed">
            {id}
            {environment_id === null && ', of the whole organization'}
          </Text>
        </>
      ),
    },
    {
      key: 'provider',
      header: 'Provider',
      cell: ({ provider, settings }) => (
        <>
          {provider.code_human_readable}
          {settings.api_url && (
            <Text size="xs" c="dimmed">
              {settings.api_url}
            </Text>
          )}
        </>
      ),
    },
    {
      key: 'active',
      header: 'Status',
      width: '110px',
      cell: ({ active }) => <StatusBadge status={active ? 'active' : 'disabled'} />,
    },
    {
      key: 'changed',
      header: 'Changed',
      width: '120px',
      cell: ({ updated_at }) => <Time at={updated_at} />,
    },
    {
      key: 'do',
      header: 'Change',
      width: '170px',
      phone: 'bare',
      cell: (credential) => <Changes credential={credential} />,
    },
  ];
  return (
    <>
      <PageHeader
        title="Credentials"
        description="How Hookline reaches your source providers: to fetch code, to install hooks and to report the status of a commit. Tokens are stored encrypted and never shown again."
      >
        {add}
      </PageHeader>
      <DataTable
        {...list}
        isPending={list.isPending && environment !== null}
        label="Credentials"
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <EmptyState
            icon="link"
            title="No source provider is connected"
            text="Make an access token at GitHub, GitLab or Bitbucket that may read the repository, and add it here."
          />
        }
      />
    </>
  );
}

function Changes({ credential }: { credential: CredentialRelation }) {
  const path = { credential_id: credential.id };
  return (
    <Group gap="xs" wrap="nowrap">
      <FormButton
        label="Edit"
        button={{ size: 'compact-sm', 'aria-label': `Edit ${credential.name}` }}
        title={`Edit ${credential.name}`}
        submit="Save"
        onSubmit={async ({ text, optional, checked }) => {
          const token = optional('access_token');
          await updateCredential({
            path,
            body: {
              name: text('name'),
              active: checked('active'),
              settings: { api_url: optional('api_url'), ...(token ? { access_token: token } : {}) },
            },
          });
          await readAgain('credentials');
        }}
      >
        {(faults) => (
          <>
            <TextInput
              label="Name"
              name="name"
              required
              defaultValue={credential.name}
              error={faults['name']}
            />
            <AccessToken
              description="Left empty, the one that is stored stays."
              error={faults['settings.access_token']}
            />
            <ApiUrl defaultValue={credential.settings.api_url} error={faults['settings.api_url']} />
            <Switch label="Active" name="active" defaultChecked={credential.active} />
          </>
        )}
      </FormButton>
      <ConfirmButton
        size="compact-sm"
        aria-label={`Delete ${credential.name}`}
        title={`Delete ${credential.name}?`}
        warning="Applications that use it can no longer fetch their code, and commit statuses are no longer sent. The token is gone for good."
        confirm="Delete"
        onConfirm={async () => {
          await deleteCredential({ path });
          await readAgain('credentials');
        }}
      >
        Delete
      </ConfirmButton>
    </Group>
  );
}

function AccessToken({
  required = false,
  description,
  error,
}: {
  required?: boolean;
  description?: string;
  error: string | undefined;
}) {
  return (
    <PasswordInput
      label="Access token"
      name="access_token"
      autoComplete="new-password"
      required={required}
      description={description}
      error={error}
    />
  );
}

function ApiUrl({ defaultValue, error }: { defaultValue?: string | null; error: string | undefined }) {
  return (
    <TextInput
      label="Address of its API"
      description="Only for an installation of your own, such as GitHub Enterprise."
      name="api_url"
      type="url"
      placeholder="https://git.example.com/api/v3"
      defaultValue={defaultValue ?? ''}
      error={error}
    />
  );
}
