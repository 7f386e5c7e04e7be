import {
  Alert,
  Button,
  Group,
  PasswordInput,
  SegmentedControl,
  Select,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import {
  addEnvironmentApplication,
  addEnvironmentCredential,
  listEnvironmentApplications,
  listEnvironmentCredentials,
  listEnvironmentServers,
  pages,
} from '#sdk';
import { collect } from '../../api/lists.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { hostOf, hosts, type HostCode } from './hosts.ts';

const newToken = 'new';
const noToken = 'none';

/** Makes an application, and the credential that goes with it unless there is one or none is wanted. */
export function RepositoryStep({
  environmentId,
  onDone,
}: {
  environmentId: number;
  onDone: (applicationId: number) => void;
}) {
  const path = { environment_id: environmentId };
  const queryClient = useQueryClient();
  const { data: known } = useQuery({
    queryKey: ['first-steps', environmentId],
    queryFn: async ({ signal }) => {
      const [applications, credentials, servers] = await Promise.all([
        collect(pages(listEnvironmentApplications, { path, signal })),
        collect(pages(listEnvironmentCredentials, { path, signal })),
        collect(pages(listEnvironmentServers, { path, signal })),
      ]);
      return { applications, credentials, servers };
    },
  });
  const [form, setForm] = useState({ repository: '', branch: 'main', name: '', server: '', apiUrl: '' });
  const [token, setToken] = useState('');
  const [chosenHost, setHost] = useState<HostCode | null>(null);
  const [chosenAccess, setAccess] = useState<string | null>(null);
  const host = chosenHost ?? hostOf(form.repository) ?? 'github';
  const credentials = (known?.credentials ?? []).filter(({ provider }) => provider.code === host);
  const access = chosenAccess ?? (credentials[0] ? String(credentials[0].id) : newToken);
  const name = form.name || nameOf(form.repository);
  const set = (change: Partial<typeof form>) => setForm({ ...form, ...change });

  const save = useMutation({
    mutationFn: async () => {
      let credentialId = access === noToken ? null : Number(access);
      if (access === newToken) {
        const credential = await addEnvironmentCredential({
          path,
          body: {
            name: `${hosts[host].label} (${name})`.slice(0, 60),
            provider_code: host,
            settings: { access_token: token, ...(form.apiUrl ? { api_url: form.apiUrl } : {}) },
          },
        });
        credentialId = credential.id;
        // It is there now: were the application refused, it is not to be made twice.
        await queryClient.invalidateQueries({ queryKey: ['first-steps', environmentId] });
        setAccess(String(credential.id));
        setToken('');
      }
      return await addEnvironmentApplication({
        path,
        body: {
          name,
          repository: form.repository.trim(),
          default_branch: form.branch.trim() || 'main',
          credential_id: credentialId,
          linked_resources: form.server
            ? [{ resource_type: 'server', resource_id: Number(form.server) }]
            : [],
        },
      });
    },
    onSuccess: (application) => {
      queryClient.setQueryData(['application', application.id], application);
      onDone(application.id);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const existing = known?.applications ?? [];
  return (
    <form onSubmit={submit}>
      <Stack>
        {existing.length > 0 && (
          <Select
            label="Application"
            description="Go on with one that is there, or connect another repository below."
            placeholder="A new one"
            searchable
            value={null}
            data={existing.map((one) => ({
              value: String(one.id),
              label: `${one.name} (${one.repository})`,
            }))}
            onChange={(value) => value && onDone(Number(value))}
          />
        )}
        <TextInput
          label="Repository"
          description="As owner/name, or its address."
          placeholder="acme/web"
          required
          value={form.repository}
          onChange={(event) => set({ repository: event.currentTarget.value })}
        />
        <div>
          <Text size="sm" fw={600} mb={4} id="first-steps-host">
            Where it is
          </Text>
          <SegmentedControl
            aria-labelledby="first-steps-host"
            data={Object.values(hosts).map(({ code, label }) => ({ value: code, label }))}
            value={host}
            onChange={(value) => {
              // Safe: one of the very table.
              setHost(value as HostCode);
              setAccess(null);
            }}
          />
        </div>
        <Group grow align="start">
          <TextInput
            label="Branch"
            description="Pushes to it will run."
            value={form.branch}
            onChange={(event) => set({ branch: event.currentTarget.value })}
          />
          <TextInput
            label="Name"
            description="Of the application."
            placeholder={nameOf(form.repository) || 'web'}
            value={form.name}
            onChange={(event) => set({ name: event.currentTarget.value })}
          />
        </Group>
        <Select
          label="Access"
          description="To fetch private code, to install the hook for you, and to report commit statuses."
          allowDeselect={false}
          data={[
            ...credentials.map(({ id, name: label }) => ({ value: String(id), label })),
            { value: newToken, label: 'A new token' },
            { value: noToken, label: 'None: the repository is public, I set the hook up by hand' },
          ]}
          value={access}
          onChange={setAccess}
        />
        {access === newToken && (
          <>
            <PasswordInput
              label="Token"
              description={`${hosts[host].token} It is stored encrypted and never shown again.`}
              required
              autoComplete="off"
              value={token}
              onChange={(event) => setToken(event.currentTarget.value)}
            />
            <TextInput
              label="Address of your own server"
              description={`Leave it empty for ${hosts[host].label} itself.`}
              placeholder="https://git.example.com"
              value={form.apiUrl}
              onChange={(event) => set({ apiUrl: event.currentTarget.value.trim() })}
            />
          </>
        )}
        {known && known.servers.length > 0 && (
          <Select
            label="Runs on"
            data={[
              { value: '', label: 'The machine of Hookline' },
              ...known.servers.map((one) => ({ value: String(one.id), label: one.name })),
            ]}
            allowDeselect={false}
            value={form.server}
            onChange={(value) => set({ server: value ?? '' })}
          />
        )}
        {save.error && <ErrorNotice error={save.error} />}
        {access === noToken && (
          <Alert color="gray">Without a token Hookline cannot report a status to the commit.</Alert>
        )}
        <Group>
          <Button type="submit" loading={save.isPending}>
            Connect
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function nameOf(repository: string): string {
  return (/([^/:]+?)(?:\.git)?\/*\s*$/.exec(repository)?.[1] ?? '').trim().slice(0, 60);
}
