import { Alert, PasswordInput, Select, Stack, Switch, TextInput, Title } from '@mantine/core';
import type { Hook } from '#sdk';
import { Icon } from '../../components/icon.tsx';
import type { Draft } from './draft.ts';
import classes from './hook.module.css';
import { algorithms, encodings, schemes } from './schemes.ts';

type Props = {
  hook: Hook;
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  faults: Record<string, string>;
};

/** How a sender proves that a request is its own. */
export function SignatureFields({ hook, draft, set, faults }: Props) {
  const isHmac = (draft.signature_scheme ?? 'hmac') === 'hmac';
  const changeScheme = (value: string | null) =>
    // What was said of another scheme says nothing of this one.
    set({
      signature_scheme: value as Draft['signature_scheme'],
      secret_algorithm: undefined,
      secret_header_name: undefined,
      signature_encoding: null,
      signature_prefix: null,
    });
  return (
    <section aria-labelledby="signature">
      <Title order={2} size="h4" id="signature" mb="xs">
        Signature
      </Title>
      <Stack gap="sm">
        <Switch
          label="Requests must be signed"
          checked={draft.requires_secret}
          onChange={(event) => set({ requires_secret: event.currentTarget.checked })}
        />
        {!draft.requires_secret && (
          <Alert color="yellow" icon={<Icon name="warning" />}>
            Whoever knows the URL can have the pipeline run.
          </Alert>
        )}
        {draft.requires_secret && (
          <>
            <Select
              label="Signed as"
              allowDeselect={false}
              data={schemes}
              value={draft.signature_scheme ?? 'hmac'}
              error={faults['signature_scheme']}
              onChange={changeScheme}
            />
            {isHmac && (
              <div className={classes['pair']}>
                <TextInput
                  label="Header"
                  placeholder="x-hub-signature-256"
                  value={draft.secret_header_name ?? ''}
                  error={faults['secret_header_name']}
                  onChange={(event) => set({ secret_header_name: event.currentTarget.value || undefined })}
                />
                <Select
                  label="Algorithm"
                  allowDeselect={false}
                  data={algorithms}
                  value={draft.secret_algorithm ?? 'sha256'}
                  error={faults['secret_algorithm']}
                  onChange={(value) => set({ secret_algorithm: value as Draft['secret_algorithm'] })}
                />
                <Select
                  label="Encoding"
                  allowDeselect={false}
                  data={encodings}
                  value={draft.signature_encoding ?? ''}
                  onChange={(value) =>
                    set({ signature_encoding: (value || null) as Draft['signature_encoding'] })
                  }
                />
                <TextInput
                  label="Stands before it"
                  placeholder="sha256="
                  value={draft.signature_prefix ?? ''}
                  onChange={(event) => set({ signature_prefix: event.currentTarget.value || null })}
                />
              </div>
            )}
            <PasswordInput
              label={hook.secret === '' ? 'Secret' : 'Another secret'}
              description={
                hook.secret === ''
                  ? 'The sender shows it once the URL is entered there.'
                  : 'Empty keeps it. The old one ends at once; to change it in peace, rotate it under Set up.'
              }
              autoComplete="new-password"
              value={draft.secret}
              error={faults['secret']}
              onChange={(event) => set({ secret: event.currentTarget.value })}
            />
          </>
        )}
      </Stack>
    </section>
  );
}
