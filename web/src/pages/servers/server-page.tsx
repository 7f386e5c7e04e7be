import {
  Alert,
  Anchor,
  Button,
  Code,
  Group,
  Menu,
  Paper,
  SimpleGrid,
  Stack,
  Text,
  Title,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import {
  actionIdOf,
  deleteServer,
  getServer,
  getStatusServer,
  listActionsByResourceType,
  listActionsByTargetResourceType,
  listPipelinesByResourceType,
  listResourceLinksByResourceTypeAndLinkType,
  pages,
  restartServer,
  startServer,
  stopServer,
  testServerConnection,
  updateServer,
  withResponse,
  type Server,
} from '#sdk';
import { collect } from '../../api/lists.ts';
import { ConfirmButton } from '../../components/confirm-button.tsx';
import { CopyButton } from '../../components/copy.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Icon } from '../../components/icon.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { PagePending } from '../../components/page-pending.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Time } from '../../components/time.tsx';
import { Facts } from '../settings/facts.tsx';
import { FormButton } from '../settings/form-button.tsx';
import { readAgain } from '../settings/settings-data.ts';
import { VariablesPanel } from '../settings/variables-panel.tsx';
import classes from './server-page.module.css';
import { ServerFields, serverOf } from './server-fields.tsx';
import { ConnectionStatus, ServerStatus } from './server-status.tsx';

export function ServerPage() {
  const { serverId } = useParams({ from: '/shell/servers/$serverId' });
  const id = Number(serverId);
  const server = useQuery({
    queryKey: ['server', id],
    queryFn: ({ signal }) => getServer({ path: { server_id: id }, signal }),
    // The first test runs by itself, a moment after a server was added or changed.
    refetchInterval: ({ state }) =>
      state.data?.connection.status === 'untested' || state.data?.status === 'restarting' ? 2000 : 15_000,
  });
  if (server.error && !server.data)
    return <ErrorNotice error={server.error} onRetry={() => void server.refetch()} />;
  if (!server.data) return <PagePending />;
  return <LoadedServer server={server.data} />;
}

function LoadedServer({ server }: { server: Server }) {
  const navigate = useNavigate();
  const path = { server_id: server.id };
  return (
    <>
      <PageHeader
        title={server.name}
        id={server.id}
        crumbs={[{ label: 'Servers', to: '/servers' }]}
        badge={<ServerStatus status={server.status} />}
      >
        <Operations server={server} />
        <FormButton
          label="Edit"
          title={`Edit ${server.name}`}
          submit="Save"
          onSubmit={async (fields) => {
            await updateServer({ path, body: serverOf(fields) });
            await readAgain('server', 'servers');
          }}
        >
          {(faults) => <ServerFields faults={faults} server={server} />}
        </FormButton>
        <ConfirmButton
          title={`Delete the server ${server.name}?`}
          warning="Its variables, pipelines and hooks go with it. The machine stays as it is: take the key out of ~/.ssh/authorized_keys there yourself."
          confirm="Delete for good"
          typed={server.name}
          onConfirm={async () => {
            await deleteServer({ path });
            await navigate({ to: '/servers' });
            await readAgain('servers', 'findable');
          }}
        >
          Delete
        </ConfirmButton>
      </PageHeader>
      <Stack gap="xl">
        <Connection server={server} />
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
          <RecentActions server={server} />
          <Stack>
            <Pipelines server={server} />
            <Applications server={server} />
          </Stack>
        </SimpleGrid>
        <section aria-label="Variables">
          <VariablesPanel owner={{ resource_type: 'server', resource_id: server.id }}>
            <Title order={2} size="h4">
              Variables
            </Title>
          </VariablesPanel>
        </section>
      </Stack>
    </>
  );
}

function Connection({ server }: { server: Server }) {
  const path = { server_id: server.id };
  const test = useMutation({
    mutationFn: () => testServerConnection({ path }),
    onSettled: () => readAgain('server'),
  });
  const { status, message, checked_at, host_key_fingerprint } = server.connection;
  return (
    <Paper withBorder p="md" bg="var(--app-raised)" component="section" aria-label="Connection">
      <Stack>
        <Group justify="space-between">
          <Group gap="sm">
            <Title order={2} size="h4">
              Connection
            </Title>
            <ConnectionStatus status={status} />
          </Group>
          <Button size="sm" loading={test.isPending} onClick={() => test.mutate()}>
            Test the connection
          </Button>
        </Group>
        {message && (
          <Alert
            color={status === 'ok' ? 'green' : 'red'}
            icon={<Icon name={status === 'ok' ? 'check-circle' : 'warning'} />}
            role="status"
          >
            {message}
          </Alert>
        )}
        {test.error && <ErrorNotice error={test.error} />}
        <InstallCommand server={server} />
        <Facts
          facts={[
            [
              'Address',
              <Text key="address" span ff="monospace" size="sm">
                {server.ssh_user}@{server.ip_address ?? server.hostname}:{server.ssh_port}
              </Text>,
            ],
            ['Last test', <Time key="test" at={checked_at} exact />],
            [
              'At the same time',
              server.max_parallel_actions === 0
                ? 'Any number of actions'
                : server.max_parallel_actions === 1
                  ? 'One action'
                  : `At most ${server.max_parallel_actions} actions`,
            ],
            ['Host key', <HostKey key="host" server={server} fingerprint={host_key_fingerprint} />],
          ]}
        />
      </Stack>
    </Paper>
  );
}

/** Open while there is no connection, since that is what is missing then. */
function InstallCommand({ server }: { server: Server }) {
  return (
    <details open={server.connection.status !== 'ok'} className={classes['install']}>
      <summary>
        {server.connection.status === 'ok'
          ? 'The command that installs the key'
          : `Run this line on the server, as the user ${server.ssh_user}, then test the connection`}
      </summary>
      <div className={classes['command']}>
        <Code block tabIndex={0} aria-label="Install command">
          {server.ssh_install_command}
        </Code>
        <CopyButton value={server.ssh_install_command} what="the install command" />
      </div>
    </details>
  );
}

function HostKey({ server, fingerprint }: { server: Server; fingerprint: string | null }) {
  if (!fingerprint) return 'None yet: the first one that is met is remembered.';
  return (
    <Stack gap={4} align="flex-start">
      <Group gap={4} wrap="nowrap">
        <Text span ff="monospace" size="sm">
          {fingerprint}
        </Text>
        <CopyButton value={fingerprint} what="the fingerprint" />
      </Group>
      <Text size="xs" c="dimmed">
        Compare it on the server&apos;s own console:{' '}
        <Code>ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub</Code>
      </Text>
      <ConfirmButton
        size="compact-sm"
        title="Forget the host key?"
        warning="The next connection remembers whatever key it meets. Do it when the machine was set up anew; if it was not, somebody may stand in between: find out first."
        confirm="Forget it"
        onConfirm={async () => {
          await updateServer({ path: { server_id: server.id }, body: { ssh_host_key: null } });
          await readAgain('server');
        }}
      >
        Forget the host key
      </ConfirmButton>
    </Stack>
  );
}

const operations = {
  start: { run: startServer, label: 'Start' },
  restart: { run: restartServer, label: 'Restart' },
  stop: { run: stopServer, label: 'Stop' },
  status: { run: getStatusServer, label: 'Ask for its status' },
} as const;

/** Each runs a pipeline of the server; the page goes to what it has started. */
function Operations({ server }: { server: Server }) {
  const navigate = useNavigate();
  const start = useMutation({
    mutationFn: async (name: keyof typeof operations) => {
      const { response } = await withResponse(operations[name].run, { path: { server_id: server.id } });
      return actionIdOf(response);
    },
    onSuccess: async (actionId) => {
      await readAgain('server', 'server-actions');
      if (actionId !== null)
        await navigate({ to: '/actions/$actionId', params: { actionId: String(actionId) } });
    },
    onError: (error) =>
      notifications.show({ color: 'red', autoClose: false, message: <ErrorNotice error={error} /> }),
  });
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" loading={start.isPending} rightSection={<Icon name="down" size={14} />}>
          Run
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>By the server&apos;s own pipelines</Menu.Label>
        {(Object.keys(operations) as (keyof typeof operations)[]).map((name) => (
          <Menu.Item key={name} onClick={() => start.mutate(name)}>
            {operations[name].label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

/** So many of the last actions are shown. */
const most = 8;

function RecentActions({ server }: { server: Server }) {
  const actions = useQuery({
    queryKey: ['server-actions', server.id],
    queryFn: async ({ signal }) => {
      const path = { resource_type: 'server', resource_id: server.id } as const;
      const query = { per_page: most };
      // What an application ran here, and what its own pipelines ran, here or beside it.
      const found = await Promise.all([
        listActionsByTargetResourceType({ path, query, signal }),
        listActionsByResourceType({ path, query, signal }),
      ]);
      const byId = new Map(found.flat().map((action) => [action.id, action]));
      return [...byId.values()].sort((a, b) => b.id - a.id).slice(0, most);
    },
    refetchInterval: 5000,
  });
  return (
    <Box
      title="What ran here lately"
      error={actions.error}
      isEmpty={actions.data?.length === 0}
      empty="Nothing ran here yet."
    >
      {actions.data?.map((action) => (
        <Group key={action.id} justify="space-between" gap="xs" wrap="nowrap">
          <Anchor
            size="sm"
            renderRoot={(props) => (
              <Link to="/actions/$actionId" params={{ actionId: String(action.id) }} {...props} />
            )}
          >
            {action.type_human_readable} {action.resource.data?.name ?? ''} · {action.id}
          </Anchor>
          <Group gap="xs" wrap="nowrap">
            <StatusBadge status={action.status} />
            <Text span size="xs" c="dimmed">
              <Time at={action.created_at} />
            </Text>
          </Group>
        </Group>
      ))}
    </Box>
  );
}

function Pipelines({ server }: { server: Server }) {
  const pipelines = useQuery({
    queryKey: ['server-pipelines', server.id],
    queryFn: ({ signal }) =>
      collect(
        pages(listPipelinesByResourceType, {
          path: { resource_type: 'server' as const, resource_id: server.id },
          signal,
        }),
        50,
      ),
  });
  return (
    <Box title="Pipelines" error={pipelines.error} isEmpty={pipelines.data?.length === 0} empty="None yet.">
      {pipelines.data?.map(({ id, name }) => (
        <Anchor
          key={id}
          size="sm"
          renderRoot={(props) => (
            <Link to="/pipelines/$pipelineId" params={{ pipelineId: String(id) }} {...props} />
          )}
        >
          {name}
        </Anchor>
      ))}
    </Box>
  );
}

function Applications({ server }: { server: Server }) {
  const links = useQuery({
    queryKey: ['server-links', server.id],
    queryFn: ({ signal }) =>
      collect(
        pages(listResourceLinksByResourceTypeAndLinkType, {
          path: { resource_type: 'server' as const, resource_id: server.id, link_type: 'parent' as const },
          signal,
        }),
        50,
      ),
  });
  return (
    <Box
      title="Applications that are deployed here"
      error={links.error}
      isEmpty={links.data?.length === 0}
      empty="None. Link a server on the page of an application."
    >
      {links.data?.map(({ resource_id, linked_resource_data }) => (
        <Anchor
          key={resource_id}
          size="sm"
          renderRoot={(props) => (
            <Link
              to="/applications/$applicationId"
              params={{ applicationId: String(resource_id) }}
              {...props}
            />
          )}
        >
          {linked_resource_data.name}
        </Anchor>
      ))}
    </Box>
  );
}

function Box({
  title,
  error,
  isEmpty,
  empty,
  children,
}: {
  title: string;
  error: Error | null;
  isEmpty: boolean;
  empty: string;
  children: ReactNode;
}) {
  return (
    <Paper withBorder p="md" bg="var(--app-raised)" component="section" aria-label={title}>
      <Stack gap="xs">
        <Title order={2} size="h5">
          {title}
        </Title>
        {error ? (
          <ErrorNotice error={error} />
        ) : isEmpty ? (
          <Text size="sm" c="dimmed">
            {empty}
          </Text>
        ) : (
          children
        )}
      </Stack>
    </Paper>
  );
}
