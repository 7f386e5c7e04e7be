import { Button, Code, Group, Modal, Select, Stack, Tabs, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import {
  addProjectApiToken,
  addUserPersonalAccessToken,
  listProjectApiTokens,
  listUserPersonalAccessTokens,
  revokeProjectApiToken,
  revokeUserPersonalAccessToken,
  rotateProjectApiToken,
  rotateUserPersonalAccessToken,
  type RoleRelation,
} from '#sdk';
import { useList } from '../../api/lists.ts';
import { addressOf } from '../../app/page.ts';
import { ConfirmButton } from '../../components/confirm-button.tsx';
import { CopyField } from '../../components/copy.tsx';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Time } from '../../components/time.tsx';
import { useSearchState } from '../../components/use-search-state.ts';
import { usePlace } from '../../shell/place.tsx';
import { FormButton, type Fields } from './form-button.tsx';
import { readAgain, rolesQuery } from './settings-data.ts';

/** What both kinds have. */
type Token = {
  id: string;
  name: string;
  status: string;
  last_used_at: string | null;
  expires_at: string;
  role?: RoleRelation | null;
};

type Shown = { name: string; token: string | null };

export function TokensPage() {
  const [{ of }, setSearch] = useSearchState({ of: 'you' });
  // It lives here and nowhere else: once the window is closed, the text of a token is gone.
  const [shown, setShown] = useState<Shown | null>(null);
  return (
    <>
      <PageHeader
        title="Tokens"
        description="For programs that use the API. A token is shown once, when it is made; Hookline keeps only its hash."
      />
      <Tabs value={of} onChange={(value) => setSearch({ of: value ?? 'you' })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="you">Yours</Tabs.Tab>
          <Tabs.Tab value="project">Of the project</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="you">
          <PersonalTokens onToken={setShown} />
        </Tabs.Panel>
        <Tabs.Panel value="project">
          <ProjectTokens onToken={setShown} />
        </Tabs.Panel>
      </Tabs>
      <ShownOnce shown={shown} onClose={() => setShown(null)} />
    </>
  );
}

function PersonalTokens({ onToken }: { onToken: (shown: Shown) => void }) {
  const list = useList(['personal-tokens'], listUserPersonalAccessTokens, {});
  return (
    <TokenTable
      list={list}
      text="A token of yours may do whatever you may. For a CI server, take one of the project: it goes on working when you leave."
      add={
        <AddToken
          onSubmit={async (fields) => {
            const made = await addUserPersonalAccessToken({
              body: { name: fields.text('name'), expires_at: expiryOf(fields) },
            });
            await readAgain('personal-tokens');
            onToken(made);
          }}
        />
      }
      onRotate={async (token, expires_at) => {
        const made = await rotateUserPersonalAccessToken({
          path: { personal_access_token_id: token.id },
          body: { expires_at },
        });
        await readAgain('personal-tokens');
        onToken(made);
      }}
      onRevoke={async (token) => {
        await revokeUserPersonalAccessToken({ path: { personal_access_token_id: token.id } });
        await readAgain('personal-tokens');
      }}
    />
  );
}

function ProjectTokens({ onToken }: { onToken: (shown: Shown) => void }) {
  const { environment, isPending } = usePlace();
  const project = environment?.project ?? null;
  const { data: roles = [] } = useQuery({
    ...rolesQuery(project?.organization?.id ?? 0),
    enabled: project !== null,
  });
  const path = { project_id: project?.id ?? 0 };
  const list = useList(
    ['project-tokens', path.project_id],
    listProjectApiTokens,
    { path },
    { enabled: project !== null },
  );
  if (!project && !isPending)
    return <EmptyState icon="key" title="There is no project yet" text="Make one first, under Projects." />;
  return (
    <TokenTable
      list={list}
      withRole
      text={`A token of ${project?.name ?? 'the project'} may do what its role allows, within the project.`}
      add={
        <AddToken
          onSubmit={async (fields) => {
            const made = await addProjectApiToken({
              path,
              body: {
                name: fields.text('name'),
                role_id: Number(fields.text('role_id')),
                expires_at: expiryOf(fields),
              },
            });
            await readAgain('project-tokens');
            onToken(made);
          }}
        >
          <Select
            label="Role"
            name="role_id"
            required
            allowDeselect={false}
            data={roles.map(({ id, name }) => ({ value: String(id), label: name }))}
            defaultValue={
              roles[0] ? String((roles.find(({ name }) => name === 'developer') ?? roles[0]).id) : null
            }
          />
        </AddToken>
      }
      onRotate={async (token, expires_at) => {
        const made = await rotateProjectApiToken({
          path: { ...path, token_id: token.id },
          body: { expires_at },
        });
        await readAgain('project-tokens');
        onToken(made);
      }}
      onRevoke={async (token) => {
        await revokeProjectApiToken({ path: { ...path, token_id: token.id } });
        await readAgain('project-tokens');
      }}
    />
  );
}

function TokenTable({
  list,
  text,
  add,
  withRole = false,
  onRotate,
  onRevoke,
}: {
  list: Omit<Parameters<typeof DataTable<Token>>[0], 'label' | 'columns' | 'rowKey' | 'empty'>;
  text: string;
  add: ReactNode;
  withRole?: boolean;
  onRotate: (token: Token, expiresAt: string) => Promise<unknown>;
  onRevoke: (token: Token) => Promise<unknown>;
}) {
  const columns: Column<Token>[] = [
    {
      key: 'name',
      header: 'Name',
      phone: 'bare',
      cell: ({ name }) => (
        <Text span fw={600} size="sm">
          {name}
        </Text>
      ),
    },
    {
      key: 'status',
      header: 'Status',
      width: '110px',
      cell: ({ status }) => <StatusBadge status={status} />,
    },
    ...(withRole
      ? [{ key: 'role', header: 'Role', width: '110px', cell: ({ role }: Token) => role?.name ?? '–' }]
      : []),
    {
      key: 'used',
      header: 'Last used',
      width: '120px',
      cell: ({ last_used_at }) => <Time at={last_used_at} />,
    },
    { key: 'expires', header: 'Expires', width: '120px', cell: ({ expires_at }) => <Time at={expires_at} /> },
    {
      key: 'do',
      header: 'Change',
      width: '190px',
      phone: 'bare',
      cell: (token) =>
        token.status === 'revoked' ? null : (
          <Group gap="xs" wrap="nowrap">
            <FormButton
              label="Rotate"
              button={{ size: 'compact-sm', 'aria-label': `Rotate ${token.name}` }}
              title={`Rotate ${token.name}`}
              submit="Rotate"
              onSubmit={(fields) => onRotate(token, expiryOf(fields))}
            >
              {(faults) => (
                <>
                  <Text size="sm">You get a new text; the old one ends at once.</Text>
                  <Expiry error={faults['expires_at']} />
                </>
              )}
            </FormButton>
            <ConfirmButton
              size="compact-sm"
              aria-label={`Revoke ${token.name}`}
              title={`Revoke ${token.name}?`}
              warning="What uses it is refused from now on. This cannot be undone."
              confirm="Revoke"
              onConfirm={() => onRevoke(token)}
            >
              Revoke
            </ConfirmButton>
          </Group>
        ),
    },
  ];
  return (
    <Stack>
      <Group justify="space-between">
        <Text c="dimmed" maw={620} size="sm">
          {text}
        </Text>
        {add}
      </Group>
      <DataTable
        {...list}
        label="Tokens"
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <EmptyState
            icon="key"
            title="No token yet"
            text="Make one for each program, so that each can be revoked by itself."
          />
        }
      />
    </Stack>
  );
}

function AddToken({
  onSubmit,
  children,
}: {
  onSubmit: (fields: Fields) => Promise<unknown>;
  children?: ReactNode;
}) {
  return (
    <FormButton
      label="Make a token"
      button={{ variant: 'filled' }}
      title="Make a token"
      submit="Make it"
      onSubmit={onSubmit}
    >
      {(faults) => (
        <>
          <TextInput
            label="Name"
            description="What it is for, such as CI."
            name="name"
            required
            data-autofocus
            error={faults['name']}
          />
          {children}
          <Expiry error={faults['expires_at']} />
        </>
      )}
    </FormButton>
  );
}

function Expiry({ error }: { error: string | undefined }) {
  return (
    <Select
      label="Works for"
      name="days"
      allowDeselect={false}
      defaultValue="90"
      data={[
        { value: '7', label: '7 days' },
        { value: '30', label: '30 days' },
        { value: '90', label: '90 days' },
        { value: '365', label: 'A year' },
      ]}
      error={error}
    />
  );
}

function expiryOf(fields: Fields): string {
  return new Date(Date.now() + Number(fields.text('days')) * 86_400_000).toISOString();
}

function ShownOnce({ shown, onClose }: { shown: Shown | null; onClose: () => void }) {
  return (
    <Modal
      opened={shown !== null}
      onClose={onClose}
      title="Your new token"
      centered
      closeOnClickOutside={false}
    >
      {shown && (
        <Stack>
          <Text size="sm">Copy it now: it is shown this once, and nobody can look it up later.</Text>
          <CopyField label={shown.name} value={shown.token ?? ''} />
          <Text size="sm">Try it:</Text>
          <Code block>{`curl ${addressOf('api/users/me')} -H "Authorization: Bearer $TOKEN"`}</Code>
          <Group justify="flex-end">
            <Button onClick={onClose}>I have it</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}
