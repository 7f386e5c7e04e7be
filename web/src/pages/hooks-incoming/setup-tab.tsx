import {
  Alert,
  Anchor,
  Button,
  Code,
  Group,
  List,
  Modal,
  PasswordInput,
  Select,
  Stack,
  Table,
  Tabs,
  Text,
  Title,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { installIncomingHook, rotateHookSecret, uninstallIncomingHook, type Hook } from '#sdk';
import { ConfirmButton } from '../../components/confirm-button.tsx';
import { CopyField } from '../../components/copy.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Icon } from '../../components/icon.tsx';
import { Time } from '../../components/time.tsx';
import { freshSecret, keepFreshSecret } from './fresh-secrets.ts';
import { senderGuides, type GuideFor } from './sender-guides.ts';

/** What goes to the sender: URL, secret, and where each of them is entered; or have it done. */
export function SetupTab({ hook }: { hook: Hook }) {
  const [secret, setSecret] = useState(() => freshSecret(hook.id));
  const keep = (made: string) => {
    keepFreshSecret(hook.id, made);
    setSecret(made);
  };
  return (
    <Stack gap="xl" maw={760}>
      <section aria-labelledby="url-and-secret">
        <Title order={2} size="h4" mb="sm" id="url-and-secret">
          URL and secret
        </Title>
        <Stack>
          <CopyField label="URL" value={hook.url ?? ''} description="The sender posts to this address." />
          {secret !== null && (
            <Alert color="green" icon={<Icon name="key" />} title="Copy the secret now">
              <Text size="sm" mb="xs">
                It is shown until you leave this page, and never again.
              </Text>
              <CopyField label="Secret" value={secret} />
            </Alert>
          )}
          <SecretState hook={hook} onMade={keep} />
        </Stack>
      </section>
      <Installation hook={hook} />
      <section aria-labelledby="by-hand">
        <Title order={2} size="h4" mb="sm" id="by-hand">
          Enter it by hand
        </Title>
        <Guides hook={hook} />
      </section>
    </Stack>
  );
}

function SecretState({ hook, onMade }: { hook: Hook; onMade: (secret: string) => void }) {
  if (!hook.requires_secret)
    return (
      <Text size="sm" c="dimmed">
        This hook takes unsigned requests: it has no secret.
      </Text>
    );
  return (
    <Stack gap="xs" align="start">
      <Text size="sm">
        {hook.secret === ''
          ? 'There is no secret yet: every request is refused until the one that the sender shows is entered here.'
          : 'The secret is kept sealed and cannot be shown. Who has lost it makes a new one.'}
      </Text>
      {hook.previous_secret_valid_until !== null &&
        Date.parse(hook.previous_secret_valid_until) > Date.now() && (
          <Text size="sm" c="dimmed">
            The secret before the last rotation is accepted too, until{' '}
            <Time at={hook.previous_secret_valid_until} exact />.
          </Text>
        )}
      <RotateSecret hook={hook} onMade={onMade} />
    </Stack>
  );
}

const validity = [
  { value: '0', label: 'Not at all: it ends at once' },
  { value: '3600', label: 'For an hour' },
  { value: '86400', label: 'For a day' },
  { value: '604800', label: 'For a week' },
];

function RotateSecret({ hook, onMade }: { hook: Hook; onMade: (secret: string) => void }) {
  const queries = useQueryClient();
  const [isOpen, window] = useDisclosure(false);
  const [given, setGiven] = useState('');
  const [seconds, setSeconds] = useState('86400');
  const rotate = useMutation({
    mutationFn: () =>
      rotateHookSecret({
        path: { hook_type: 'incoming', hook_id: hook.id },
        body: { previous_valid_for_seconds: Number(seconds), ...(given === '' ? {} : { secret: given }) },
      }),
    onSuccess: async ({ secret }) => {
      // One that was given is known to whoever gave it.
      if (given === '') onMade(secret);
      setGiven('');
      window.close();
      await queries.invalidateQueries({ queryKey: ['hook', hook.id] });
    },
  });
  return (
    <>
      <Button variant="default" leftSection={<Icon name="key" />} onClick={window.open}>
        {hook.secret === '' ? 'Enter the secret' : 'New secret'}
      </Button>
      {rotate.data?.warnings.map((warning) => (
        <Alert key={warning} color="yellow" icon={<Icon name="warning" />}>
          {warning}
        </Alert>
      ))}
      <Modal opened={isOpen} onClose={window.close} title="A new secret" centered>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            rotate.mutate();
          }}
        >
          <Stack>
            {hook.secret !== '' && (
              <Select
                label="The old one stays valid"
                description="So that the sender can be changed in peace."
                allowDeselect={false}
                data={validity}
                value={seconds}
                onChange={(value) => setSeconds(value ?? '86400')}
              />
            )}
            <PasswordInput
              label="Secret"
              description="Leave it empty to have one made, unless the sender dictates it."
              autoComplete="new-password"
              value={given}
              onChange={(event) => setGiven(event.currentTarget.value)}
            />
            {rotate.error && <ErrorNotice error={rotate.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={window.close}>
                Cancel
              </Button>
              <Button type="submit" loading={rotate.isPending}>
                {given === '' ? 'Make a new secret' : 'Take this secret'}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}

const ofHosts = new Set(['github', 'gitlab', 'bitbucket', 'gitea']);

/** Registers the hook at the git host of its application. */
function Installation({ hook }: { hook: Hook }) {
  const queries = useQueryClient();
  const read = () => queries.invalidateQueries({ queryKey: ['hook', hook.id] });
  const install = useMutation({
    mutationFn: () => installIncomingHook({ path: { hook_id: hook.id }, body: {} }),
    onSuccess: read,
  });
  if (hook.resource_type !== 'application' || (hook.preset !== null && !ofHosts.has(hook.preset)))
    return null;
  const { installation } = hook;
  const remove = async () => {
    await uninstallIncomingHook({ path: { hook_id: hook.id } });
    install.reset();
    await read();
  };
  return (
    <section aria-labelledby="install">
      <Title order={2} size="h4" mb="sm" id="install">
        Install for me
      </Title>
      <Stack align="start" gap="sm">
        {installation ? (
          <Text size="sm">
            Installed at {installation.provider} for <Code>{installation.repository}</Code>{' '}
            <Time at={installation.installed_at} />, for {installation.events.join(', ')}.
          </Text>
        ) : (
          <Text size="sm">
            Hookline can enter URL, secret and events at the repository of the application, with the access
            token of its source provider.
          </Text>
        )}
        <Group gap="xs">
          <Button
            leftSection={<Icon name="rocket" />}
            variant={installation ? 'default' : 'filled'}
            loading={install.isPending}
            onClick={() => install.mutate()}
          >
            {installation ? 'Bring it up to date' : 'Install for me'}
          </Button>
          {installation && (
            <ConfirmButton
              title="Take the webhook away at the provider?"
              warning="The provider sends nothing any more. The hook itself stays here and can be installed again."
              confirm="Take it away"
              onConfirm={remove}
            >
              Uninstall
            </ConfirmButton>
          )}
        </Group>
        {install.error && <ErrorNotice error={install.error} />}
        {install.data && (
          <Alert
            color={install.data.warnings.length > 0 ? 'yellow' : 'green'}
            icon={<Icon name={install.data.warnings.length > 0 ? 'warning' : 'check-circle'} />}
            title={install.data.created ? 'It is installed' : 'It is up to date'}
            role="status"
          >
            {install.data.warnings.length > 0 && (
              <List size="sm" mb="xs">
                {install.data.warnings.map((warning) => (
                  <List.Item key={warning}>{warning}</List.Item>
                ))}
              </List>
            )}
            <Anchor size="sm" href={install.data.settings_url} target="_blank" rel="noreferrer">
              Its webhooks at {install.data.provider}
            </Anchor>
          </Alert>
        )}
      </Stack>
    </section>
  );
}

function Guides({ hook }: { hook: Hook }) {
  const preferred = Object.hasOwn(senderGuides, hook.preset ?? '') ? (hook.preset as GuideFor) : 'other';
  return (
    <Tabs defaultValue={preferred} keepMounted={false}>
      <Tabs.List>
        {Object.entries(senderGuides).map(([key, { label }]) => (
          <Tabs.Tab key={key} value={key}>
            {label}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {Object.entries(senderGuides).map(([key, { where, fields, after }]) => (
        <Tabs.Panel key={key} value={key} pt="sm">
          <Text size="sm" mb="xs">
            {where}
          </Text>
          <Table withRowBorders={false} verticalSpacing={4} layout="fixed">
            <Table.Tbody>
              {fields(hook).map(([name, value]) => (
                <Table.Tr key={name}>
                  <Table.Th scope="row" w={150} fw={500}>
                    {name}
                  </Table.Th>
                  <Table.Td>{value}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
          <Text size="sm" c="dimmed" mt="xs">
            {after}
          </Text>
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}
