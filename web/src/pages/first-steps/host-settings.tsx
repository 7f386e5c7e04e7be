import { Alert, Anchor, Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { installIncomingHook, rotateHookSecret, type Application, type Hook } from '#sdk';
import { CopyField } from '../../components/copy.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Icon } from '../../components/icon.tsx';
import { hosts, type HostCode } from './hosts.ts';
import classes from './first-steps.module.css';

type Props = {
  hook: Hook;
  host: HostCode;
  application: Application;
  /** Null once it was shown: it is kept nowhere. */
  secret: string | null;
  onSecret: (secret: string) => void;
};

/** URL and secret, and where they go: by a button, or by hand with each setting of the provider's page. */
export function HostSettings({ hook, host, application, secret, onSecret }: Props) {
  const { label, way, page, settings, secretField } = hosts[host];
  const queryClient = useQueryClient();
  const path = { hook_id: hook.id };
  const install = useMutation({
    mutationFn: () => installIncomingHook({ path }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['hook', hook.id] }),
  });
  const rotate = useMutation({
    mutationFn: () => rotateHookSecret({ path: { ...path, hook_type: 'incoming' }, body: {} }),
    onSuccess: (changed) => onSecret(changed.secret),
  });
  const { credential } = application;
  const isOwnServer = Boolean(credential?.settings.api_url);
  const repository = `${application.repository_owner}/${application.repository_name}`;
  return (
    <Stack>
      {credential?.provider.code === host && (
        <Stack gap="xs" align="start">
          <Button
            leftSection={<Icon name="rocket" />}
            variant={hook.installation ? 'default' : 'filled'}
            loading={install.isPending}
            onClick={() => install.mutate()}
          >
            {hook.installation ? 'Install again' : `Install for me at ${label}`}
          </Button>
          {hook.installation && !install.data && (
            <Text size="sm">{`It is installed at ${hook.installation.repository}.`}</Text>
          )}
          {install.data && (
            <Alert
              color="green"
              icon={<Icon name="check-circle" />}
              title="The hook is installed"
              role="status"
            >
              <Anchor href={install.data.settings_url} rel="noreferrer" target="_blank" size="sm">
                {`Its page at ${label}`}
              </Anchor>
              {install.data.warnings.map((warning) => (
                <Text key={warning} size="sm">
                  {warning}
                </Text>
              ))}
            </Alert>
          )}
          {install.error && <ErrorNotice error={install.error} />}
          <Text size="sm" c="dimmed">
            {'Or by hand:'}
          </Text>
        </Stack>
      )}
      <Text size="sm">
        {isOwnServer || !application.repository_owner ? (
          `Open the repository at ${label}: ${way}.`
        ) : (
          <>
            {'Open '}
            <Anchor inherit underline="always" href={page(repository)} rel="noreferrer" target="_blank">
              {`${repository} at ${label}`}
            </Anchor>
            {`: ${way}.`}
          </>
        )}
      </Text>
      <CopyField label={host === 'github' ? 'Payload URL' : 'URL'} value={hook.url ?? ''} />
      {secret === null ? (
        <Group gap="sm">
          <Text size="sm">{`${secretField}: it was shown once, when the hook was made.`}</Text>
          <Button
            size="compact-sm"
            variant="default"
            loading={rotate.isPending}
            onClick={() => rotate.mutate()}
          >
            Make a new secret
          </Button>
          <Text size="sm" c="dimmed">
            The old one is still accepted for a day.
          </Text>
        </Group>
      ) : (
        <CopyField label={secretField} value={secret} description="Shown this once: copy it now." />
      )}
      {rotate.error && <ErrorNotice error={rotate.error} />}
      <dl className={classes['settings']}>
        {settings.map(({ name, value }) => [
          <dt key={name}>{name}</dt>,
          <dd key={`${name} value`}>{value}</dd>,
        ])}
      </dl>
    </Stack>
  );
}
