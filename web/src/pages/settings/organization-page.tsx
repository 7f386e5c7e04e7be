import { Group, Paper, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { addOrganization, deleteOrganization, getOrganization, updateOrganization } from '#sdk';
import { ConfirmButton } from '../../components/confirm-button.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { PagePending } from '../../components/page-pending.tsx';
import { Time } from '../../components/time.tsx';
import { Facts } from './facts.tsx';
import { FormButton } from './form-button.tsx';
import { readAgain, useOrganization } from './settings-data.ts';

export function OrganizationPage() {
  const { organization, organizations, isPending, error } = useOrganization();
  const path = { organization_id: String(organization?.id) };
  // Read by itself: a list tells nothing of what one may do there.
  const own = useQuery({
    queryKey: ['organization', path.organization_id],
    queryFn: ({ signal }) => getOrganization({ path, signal }),
    enabled: organization !== null,
  });
  const may = (permission: string) => own.data?.current_user_permissions.includes(permission) ?? false;
  if (error) return <ErrorNotice error={error} />;
  if (isPending) return <PagePending />;
  if (!organization) return <EmptyState icon="overview" title="You belong to no organization" />;
  const again = () => readAgain('organizations', 'organization', 'environments');
  return (
    <>
      <PageHeader title={organization.name} id={organization.id}>
        <FormButton
          label="Found another"
          title="Found another organization"
          submit="Found"
          onSubmit={async ({ text }) => {
            await addOrganization({ body: { name: text('name') } });
            await again();
          }}
        >
          {(faults) => (
            <>
              <TextInput label="Name" name="name" required data-autofocus error={faults['name']} />
              <Text size="sm" c="dimmed">
                It gets roles of its own, and you become its owner.
              </Text>
            </>
          )}
        </FormButton>
        {may('organization:update') && (
          <FormButton
            label="Edit"
            title={`Edit ${organization.name}`}
            submit="Save"
            onSubmit={async ({ text }) => {
              await updateOrganization({ path, body: { name: text('name'), url_slug: text('url_slug') } });
              await again();
            }}
          >
            {(faults) => (
              <>
                <TextInput
                  label="Name"
                  name="name"
                  required
                  defaultValue={organization.name}
                  error={faults['name']}
                />
                <TextInput
                  label="Name in addresses"
                  name="url_slug"
                  required
                  defaultValue={organization.url_slug}
                  error={faults['url_slug']}
                />
              </>
            )}
          </FormButton>
        )}
      </PageHeader>
      <Stack>
        <Paper withBorder p="md" bg="var(--app-raised)">
          <Facts
            facts={[
              ['Name in addresses', organization.url_slug],
              [
                'Owner',
                organization.owner ? `${organization.owner.name} (${organization.owner.email})` : '–',
              ],
              ['Founded', <Time key="founded" at={organization.created_at} exact />],
              ...(organizations.length > 1
                ? [
                    [
                      'Others',
                      `${organizations
                        .filter(({ id }) => id !== organization.id)
                        .map(({ name }) => name)
                        .join(', ')}; the environment that you choose above decides which is shown`,
                    ] as [string, string],
                  ]
                : []),
            ]}
          />
        </Paper>
        {may('organization:delete') && (
          <Group>
            <ConfirmButton
              color="red"
              variant="outline"
              title={`Delete ${organization.name}?`}
              warning="Everything in it goes with it: projects, environments, applications, servers, hooks, actions and their logs. It cannot be brought back."
              confirm="Delete for good"
              typed={organization.name}
              onConfirm={async () => {
                await deleteOrganization({ path });
                await again();
              }}
            >
              Delete the organization
            </ConfirmButton>
          </Group>
        )}
      </Stack>
    </>
  );
}
