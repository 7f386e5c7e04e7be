import { Badge, Checkbox, Group, Paper, Stack, Text, TextInput, Title, VisuallyHidden } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Fragment } from 'react';
import {
  addOrganizationRole,
  deleteRole,
  updateRole,
  type PermissionGroup,
  type RoleCreate,
  type RoleRelation,
} from '#sdk';
import { ConfirmButton } from '../../components/confirm-button.tsx';
import { CopyId } from '../../components/copy.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Icon } from '../../components/icon.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { PagePending } from '../../components/page-pending.tsx';
import { FormButton, type Fields } from './form-button.tsx';
import { permissionsQuery, readAgain, rolesQuery, useOrganization } from './settings-data.ts';
import classes from './settings.module.css';

export function RolesPage() {
  const { organization } = useOrganization();
  const roles = useQuery({ ...rolesQuery(organization?.id ?? 0), enabled: organization !== null });
  const permissions = useQuery(permissionsQuery);
  const error = roles.error ?? permissions.error;
  return (
    <>
      <PageHeader
        title="Roles"
        description="A role is a list of permissions. A team has a role on a place; nobody can give away more than they have."
      >
        {organization && permissions.data && (
          <FormButton
            label="Add a role"
            button={{ variant: 'filled' }}
            title="Add a role"
            submit="Add"
            size="xl"
            onSubmit={async (fields) => {
              await addOrganizationRole({
                path: { organization_id: String(organization.id) },
                body: roleOf(fields),
              });
              await readAgain('roles');
            }}
          >
            {(faults) => <RoleFields faults={faults} groups={permissions.data} />}
          </FormButton>
        )}
      </PageHeader>
      {error ? (
        <ErrorNotice error={error} onRetry={() => void roles.refetch()} />
      ) : !roles.data || !permissions.data ? (
        <PagePending />
      ) : (
        <Stack>
          {roles.data.map((role) => (
            <Role key={role.id} role={role} groups={permissions.data} />
          ))}
          <Title order={2} size="h4" mt="md">
            What each may do
          </Title>
          <Matrix roles={roles.data} groups={permissions.data} />
        </Stack>
      )}
    </>
  );
}

function Role({ role, groups }: { role: RoleRelation; groups: PermissionGroup[] }) {
  const path = { role_id: role.id };
  return (
    <Paper withBorder p="sm" bg="var(--app-raised)" component="section" aria-label={role.name}>
      <Group justify="space-between">
        <div>
          <Group gap="xs">
            <Text fw={600}>{role.name}</Text>
            <CopyId id={role.id} />
            {role.is_predefined && (
              <Badge variant="default" tt="none">
                Always there
              </Badge>
            )}
          </Group>
          <Text size="sm" c="dimmed">
            {role.description ? `${role.description} ` : ''}
            {role.permissions.length} permissions.
          </Text>
        </div>
        {!role.is_predefined && (
          <Group gap="xs">
            <FormButton
              label="Edit"
              button={{ size: 'compact-sm', 'aria-label': `Edit ${role.name}` }}
              title={`Edit ${role.name}`}
              submit="Save"
              size="xl"
              onSubmit={async (fields) => {
                await updateRole({ path, body: roleOf(fields) });
                await readAgain('roles');
              }}
            >
              {(faults) => <RoleFields faults={faults} groups={groups} role={role} />}
            </FormButton>
            <ConfirmButton
              size="compact-sm"
              aria-label={`Delete ${role.name}`}
              title={`Delete the role ${role.name}?`}
              warning="Whoever has it loses what it allows, with their very next request."
              confirm="Delete"
              onConfirm={async () => {
                await deleteRole({ path });
                await readAgain('roles');
              }}
            >
              Delete
            </ConfirmButton>
          </Group>
        )}
      </Group>
    </Paper>
  );
}

function Matrix({ roles, groups }: { roles: RoleRelation[]; groups: PermissionGroup[] }) {
  return (
    <div className={classes['scroll']} tabIndex={0} role="region" aria-label="Permissions of each role">
      <table className={classes['matrix']}>
        <thead>
          <tr>
            <th scope="col">Permission</th>
            {roles.map(({ id, name }) => (
              <th key={id} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {groups.map(({ resource_type, human_readable, permissions }) => (
            <Fragment key={resource_type}>
              <tr className={classes['group']}>
                <th scope="rowgroup">{human_readable}</th>
                <td colSpan={roles.length} />
              </tr>
              {permissions.map(({ permission, human_readable: name, hint }) => (
                <tr key={permission}>
                  <th scope="row" title={hint}>
                    {name}
                  </th>
                  {roles.map((role) => (
                    <td key={role.id}>
                      {role.permissions.includes(permission) ? (
                        <>
                          <Icon name="check" />
                          <VisuallyHidden>yes</VisuallyHidden>
                        </>
                      ) : (
                        <VisuallyHidden>no</VisuallyHidden>
                      )}
                    </td>
                  ))}
                </tr>
              ))}
            </Fragment>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function RoleFields({
  faults,
  groups,
  role,
}: {
  faults: Record<string, string>;
  groups: PermissionGroup[];
  role?: RoleRelation;
}) {
  return (
    <>
      <TextInput
        label="Name"
        name="name"
        required
        data-autofocus
        defaultValue={role?.name}
        error={faults['name']}
      />
      <TextInput
        label="Description"
        name="description"
        defaultValue={role?.description}
        error={faults['description']}
      />
      {groups.map(({ resource_type, human_readable, permissions }) => (
        <fieldset key={resource_type} className={classes['fieldset']}>
          <legend>{human_readable}</legend>
          <Group gap="md">
            {permissions.map(({ permission, human_readable: name, hint }) => (
              <Checkbox
                key={permission}
                name="permissions"
                value={permission}
                label={name}
                title={hint}
                defaultChecked={role?.permissions.includes(permission) ?? false}
              />
            ))}
          </Group>
        </fieldset>
      ))}
    </>
  );
}

function roleOf({ text, all }: Fields): RoleCreate {
  return {
    name: text('name'),
    description: text('description'),
    // Safe: the boxes are those that the server lists.
    permissions: all('permissions') as RoleCreate['permissions'],
  };
}
