import { NumberInput, Radio, Stack, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Server, ServerUpdate } from '#sdk';
import type { Fields } from '../settings/form-button.tsx';

/** The fields of a server, to be added or, with one, to be changed. */
export function ServerFields({ faults, server }: { faults: Record<string, string>; server?: Server }) {
  const [key, setKey] = useState('kept');
  return (
    <>
      <TextInput
        label="Host name"
        description="Its name here, and where it is found when no address is given."
        name="hostname"
        required
        data-autofocus={server ? undefined : true}
        spellCheck={false}
        autoComplete="off"
        placeholder="web-1"
        defaultValue={server?.hostname}
        error={faults['hostname']}
      />
      <TextInput
        label="IP address"
        description="Left empty, the host name is looked up."
        name="ip_address"
        spellCheck={false}
        autoComplete="off"
        placeholder="203.0.113.7"
        defaultValue={server?.ip_address}
        error={faults['ip_address']}
      />
      <NumberInput
        label="SSH port"
        name="ssh_port"
        min={1}
        max={65_535}
        allowDecimal={false}
        defaultValue={server?.ssh_port ?? 22}
        error={faults['ssh_port']}
      />
      <TextInput
        label="User"
        description="Who signs in. One of its own is better than root: it can do what it has to, and no more."
        name="ssh_user"
        required
        spellCheck={false}
        autoComplete="off"
        defaultValue={server?.ssh_user ?? 'root'}
        error={faults['ssh_user']}
      />
      <Radio.Group label="Key" value={key} onChange={setKey}>
        <Stack gap="xs" mt="xs">
          <Radio
            value="kept"
            label={server ? 'The one that is there' : 'Hookline makes one; you install it with one command'}
          />
          <Radio value="given" label="One of my own" />
        </Stack>
      </Radio.Group>
      {key === 'given' && (
        <Textarea
          label="Private key"
          description="In PEM or OpenSSH form, without a passphrase. Stored encrypted and never shown."
          name="ssh_private_key"
          required
          autosize
          minRows={4}
          maxRows={8}
          spellCheck={false}
          autoComplete="off"
          placeholder="-----BEGIN OPENSSH PRIVATE KEY-----"
          error={faults['ssh_private_key']}
        />
      )}
      <TextInput
        label="Host key"
        description={
          server
            ? 'To be sure of a new one, as it stands in known_hosts. Left empty, what is remembered stays.'
            : 'To be sure from the beginning, as it stands in known_hosts. Left empty, the first one is remembered.'
        }
        name="ssh_host_key"
        spellCheck={false}
        autoComplete="off"
        placeholder="ssh-ed25519 AAAA…"
        error={faults['ssh_host_key']}
      />
      <NumberInput
        label="Actions at the same time"
        description="0 means no limit; the others wait their turn."
        name="max_parallel_actions"
        min={0}
        max={10}
        allowDecimal={false}
        defaultValue={server?.max_parallel_actions ?? 0}
        error={faults['max_parallel_actions']}
      />
    </>
  );
}

/** What was typed; an empty key or host key changes nothing. */
export function serverOf({ text, optional }: Fields): ServerUpdate & { hostname: string } {
  const privateKey = optional('ssh_private_key');
  const hostKey = optional('ssh_host_key');
  return {
    hostname: text('hostname').trim(),
    ip_address: optional('ip_address'),
    ssh_port: Number(text('ssh_port')) || 22,
    ssh_user: text('ssh_user').trim(),
    max_parallel_actions: Number(text('max_parallel_actions')) || 0,
    ...(privateKey ? { ssh_private_key: `${privateKey}\n` } : {}),
    ...(hostKey ? { ssh_host_key: hostKey } : {}),
  };
}
