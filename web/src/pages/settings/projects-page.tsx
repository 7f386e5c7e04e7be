import { Badge, Button, Group, Paper, Select, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import {
  addOrganizationProject,
  addProjectEnvironment,
  deleteEnvironment,
  deleteProject,
  listProjectEnvironments,
  pages,
  updateEnvironment,
  updateProject,
  type EnvironmentCreate,
  type EnvironmentRelation,
  type ProjectRelation,
} from '#sdk';
import { collect } from '../../api/lists.ts';
import { ConfirmButton } from '../../components/confirm-button.tsx';
import { CopyId } from '../../components/copy.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { PagePending } from '../../components/page-pending.tsx';
import { usePlace } from '../../shell/place.tsx';
import { FormButton, type Fields } from './form-button.tsx';
import { projectsQuery, readAgain, useOrganization } from './settings-data.ts';

const types = [
  { value: 'development', label: 'Development' },
  { value: 'staging', label: 'Staging' },
  { value: 'production', label: 'Production' },
] as const;

export function ProjectsPage() {
  const { organization } = useOrganization();
  const projects = useQuery({ ...projectsQuery(organization?.id ?? 0), enabled: organization !== null });
  return (
    <>
      <PageHeader
        title="Projects"
        description="A project has environments; each environment has applications, servers and credentials of its own."
      >
        {organization && (
          <FormButton
            label="Add a project"
            button={{ variant: 'filled' }}
            title="Add a project"
            submit="Add"
            onSubmit={async ({ text }) => {
              await addOrganizationProject({
                path: { organization_id: String(organization.id) },
                body: { name: text('name') },
              });
              await readAgain('projects', 'environments');
            }}
          >
            {(faults) => (
              <TextInput label="Name" name="name" required data-autofocus error={faults['name']} />
            )}
          </FormButton>
        )}
      </PageHeader>
      {projects.error ? (
        <ErrorNotice error={projects.error} onRetry={() => void projects.refetch()} />
      ) : !projects.data ? (
        <PagePending />
      ) : projects.data.length === 0 ? (
        <EmptyState icon="branch" title="No project yet" text="Add one, then an environment in it." />
      ) : (
        <Stack>
          {projects.data.map((project) => (
            <Project key={project.id} project={project} />
          ))}
        </Stack>
      )}
    </>
  );
}

function Project({ project }: { project: ProjectRelation }) {
  const path = { project_id: project.id };
  const { data, error, refetch } = useQuery({
    queryKey: ['environments', project.id],
    queryFn: ({ signal }) => collect(pages(listProjectEnvironments, { path, signal })),
  });
  const again = () => readAgain('projects', 'environments');
  return (
    <Paper withBorder p="md" bg="var(--app-raised)" component="section" aria-label={project.name}>
      <Group justify="space-between" mb="sm">
        <Group gap="xs">
          <Title order={2} size="h4">
            {project.name}
          </Title>
          <CopyId id={project.id} />
        </Group>
        <Group gap="xs">
          <FormButton
            label="Add an environment"
            button={{ size: 'compact-sm' }}
            title={`Add an environment to ${project.name}`}
            submit="Add"
            onSubmit={async (fields) => {
              await addProjectEnvironment({ path, body: environmentOf(fields) });
              await again();
            }}
          >
            {(faults) => <EnvironmentFields faults={faults} />}
          </FormButton>
          <FormButton
            label="Rename"
            button={{ size: 'compact-sm', 'aria-label': `Rename ${project.name}` }}
            title={`Rename ${project.name}`}
            submit="Save"
            onSubmit={async ({ text }) => {
              await updateProject({ path, body: { name: text('name') } });
              await again();
            }}
          >
            {(faults) => (
              <TextInput
                label="Name"
                name="name"
                required
                defaultValue={project.name}
                error={faults['name']}
              />
            )}
          </FormButton>
          <ConfirmButton
            size="compact-sm"
            aria-label={`Delete ${project.name}`}
            title={`Delete the project ${project.name}?`}
            warning="Its environments go with it, with all applications, servers, hooks, actions and logs in them."
            confirm="Delete for good"
            typed={project.name}
            onConfirm={async () => {
              await deleteProject({ path });
              await again();
            }}
          >
            Delete
          </ConfirmButton>
        </Group>
      </Group>
      {error && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {data?.length === 0 && (
        <Text size="sm" c="dimmed">
          No environment yet.
        </Text>
      )}
      <Stack gap="xs">
        {data?.map((environment) => (
          <Environment key={environment.id} environment={environment} onChanged={again} />
        ))}
      </Stack>
    </Paper>
  );
}

function Environment({
  environment,
  onChanged,
}: {
  environment: EnvironmentRelation;
  onChanged: () => Promise<void>;
}) {
  const { environment: shown, choose } = usePlace();
  const path = { environment_id: environment.id };
  return (
    <Group justify="space-between" gap="xs">
      <div>
        <Group gap="xs">
          <Text size="sm" fw={600}>
            {environment.name}
          </Text>
          <CopyId id={environment.id} />
          <Badge variant="default" tt="none">
            {environment.type_human_readable}
          </Badge>
          {shown?.id === environment.id && (
            <Badge variant="light" tt="none">
              Shown now
            </Badge>
          )}
        </Group>
        {environment.description && (
          <Text size="sm" c="dimmed">
            {environment.description}
          </Text>
        )}
      </div>
      <Group gap="xs">
        {shown?.id !== environment.id && (
          <Button size="compact-sm" variant="default" onClick={() => choose(environment.id)}>
            Show it
          </Button>
        )}
        <FormButton
          label="Edit"
          button={{ size: 'compact-sm', 'aria-label': `Edit ${environment.name}` }}
          title={`Edit ${environment.name}`}
          submit="Save"
          onSubmit={async (fields) => {
            await updateEnvironment({ path, body: environmentOf(fields) });
            await onChanged();
          }}
        >
          {(faults) => <EnvironmentFields faults={faults} environment={environment} />}
        </FormButton>
        <ConfirmButton
          size="compact-sm"
          aria-label={`Delete ${environment.name}`}
          title={`Delete the environment ${environment.name}?`}
          warning="Its applications, servers, credentials, variables, pipelines, hooks, actions and logs go with it."
          confirm="Delete for good"
          typed={environment.name}
          onConfirm={async () => {
            await deleteEnvironment({ path });
            await onChanged();
          }}
        >
          Delete
        </ConfirmButton>
      </Group>
    </Group>
  );
}

function EnvironmentFields({
  faults,
  environment,
}: {
  faults: Record<string, string>;
  environment?: EnvironmentRelation;
}) {
  return (
    <>
      <TextInput
        label="Name"
        name="name"
        required
        data-autofocus
        defaultValue={environment?.name}
        error={faults['name']}
      />
      <Select
        label="Kind"
        name="type"
        data={types}
        allowDeselect={false}
        defaultValue={environment?.type ?? 'development'}
        error={faults['type']}
      />
      <TextInput
        label="Description"
        name="description"
        defaultValue={environment?.description ?? ''}
        error={faults['description']}
      />
    </>
  );
}

function environmentOf({ text, optional }: Fields): EnvironmentCreate {
  const type = types.find(({ value }) => value === text('type'))?.value ?? 'development';
  return { name: text('name'), type, description: optional('description') };
}
