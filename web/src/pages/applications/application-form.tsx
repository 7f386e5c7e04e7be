import { Anchor, MultiSelect, NumberInput, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { listEnvironmentCredentials, pages } from '#sdk';
import { collect } from '../../api/lists.ts';
import { ownersQuery } from '../pipelines/owners.ts';
import type { ApplicationDraft } from './application-fields.ts';

const CodeEditor = lazy(() => import('../../components/code-editor.tsx'));

type Props = {
  environmentId: number;
  draft: ApplicationDraft;
  /** What the server has refused, by the names of its fields. */
  faults: Record<string, string>;
  onChange: (change: Partial<ApplicationDraft>) => void;
};

/** All fields of an application. */
export function ApplicationForm({ environmentId, draft, faults, onChange }: Props) {
  const { data: owners } = useQuery(ownersQuery(environmentId));
  const { data: credentials } = useQuery({
    queryKey: ['credentials', environmentId, 'choices'],
    enabled: environmentId > 0,
    queryFn: ({ signal }) =>
      collect(pages(listEnvironmentCredentials, { path: { environment_id: environmentId }, signal })),
  });
  return (
    <Stack>
      <TextInput
        label="Name"
        required
        maxLength={60}
        value={draft.name}
        error={faults['name']}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
      />
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput
          label="Repository"
          description="owner/name at the source provider, or a full git URL."
          placeholder="acme/shop"
          required
          maxLength={500}
          value={draft.repository}
          error={faults['repository']}
          onChange={(event) => onChange({ repository: event.currentTarget.value })}
        />
        <TextInput
          label="Default branch"
          description="Deployed when nothing else is asked for."
          required
          maxLength={255}
          value={draft.defaultBranch}
          error={faults['default_branch']}
          onChange={(event) => onChange({ defaultBranch: event.currentTarget.value })}
        />
      </SimpleGrid>
      <Select
        label="Credential of the source provider"
        description={
          <>
            For private repositories, commit statuses and installing webhooks.{' '}
            <Anchor
              size="xs"
              underline="always"
              // Safe: a page of the settings, whose addresses are not ours to name.
              renderRoot={(props) => <Link to={'/settings/credentials' as '/settings'} {...props} />}
            >
              Add one in the settings
            </Anchor>
          </>
        }
        placeholder="None: the repository is public"
        clearable
        searchable
        data={(credentials ?? []).map(({ id, name, provider }) => ({
          value: String(id),
          label: `${name} (${provider.code_human_readable})`,
        }))}
        value={draft.credentialId === null ? null : String(draft.credentialId)}
        error={faults['credential_id']}
        onChange={(value) => onChange({ credentialId: value === null ? null : Number(value) })}
      />
      <MultiSelect
        label="Servers"
        description="Where its pipelines run, side by side. With none they run on the machine of Hookline."
        searchable
        clearable
        data={(owners?.servers ?? []).map(({ id, name }) => ({ value: String(id), label: name }))}
        value={draft.serverIds.map(String)}
        error={Object.entries(faults).find(([field]) => field.startsWith('linked_resources'))?.[1]}
        onChange={(values) => onChange({ serverIds: values.map(Number).toSorted((a, b) => a - b) })}
      />
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput
          label="Folder of the repository"
          description="In which the steps run; empty for its top."
          placeholder="/apps/web"
          maxLength={1000}
          value={draft.rootDirectory}
          error={faults['root_directory']}
          onChange={(event) => onChange({ rootDirectory: event.currentTarget.value })}
        />
        <TextInput
          label="Folder on the target"
          description="Where the releases lie; empty for ~/ and the name of the application."
          placeholder="/srv/web"
          maxLength={1000}
          value={draft.deployDirectory}
          error={faults['deploy_directory']}
          onChange={(event) => onChange({ deployDirectory: event.currentTarget.value })}
        />
      </SimpleGrid>
      <Suspense fallback={<Text c="dimmed">…</Text>}>
        <CodeEditor
          label="Install the dependencies"
          description="A step of each deployment before the build; empty for none."
          language="shell"
          minRows={2}
          value={draft.installCommand}
          error={faults['install_dependencies_command']}
          onChange={(installCommand) => onChange({ installCommand })}
        />
        <CodeEditor
          label="Build"
          description="A step of each deployment before those of its pipeline; empty for none."
          language="shell"
          minRows={2}
          value={draft.buildCommand}
          error={faults['build_command']}
          onChange={(buildCommand) => onChange({ buildCommand })}
        />
      </Suspense>
      <NumberInput
        label="Releases that are kept"
        description="To go back to without a build; the live one besides, whatever its age."
        required
        min={1}
        max={100}
        allowDecimal={false}
        value={draft.keep}
        error={faults['deployments_keep']}
        onChange={(value) => onChange({ keep: typeof value === 'number' ? value : 5 })}
      />
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        <TextInput
          label="Language"
          placeholder="nodejs"
          maxLength={40}
          value={draft.language}
          error={faults['programming_language']}
          onChange={(event) => onChange({ language: event.currentTarget.value })}
        />
        <TextInput
          label="Its version"
          placeholder="26"
          maxLength={40}
          value={draft.engineVersion}
          error={faults['engine_version']}
          onChange={(event) => onChange({ engineVersion: event.currentTarget.value })}
        />
        <TextInput
          label="Framework"
          placeholder="none"
          maxLength={40}
          value={draft.framework}
          error={faults['framework']}
          onChange={(event) => onChange({ framework: event.currentTarget.value })}
        />
      </SimpleGrid>
    </Stack>
  );
}
