import {
  ActionIcon,
  Accordion,
  Button,
  Checkbox,
  Fieldset,
  Group,
  SegmentedControl,
  Stack,
  Switch,
  Text,
  Textarea,
  TextInput,
  Tooltip,
} from '@mantine/core';
import { useMemo, useRef, useState } from 'react';
import type { OutgoingHookDraftPreview } from '#sdk';
import { insertAtCursor } from '../../components/code-editor.tsx';
import { Icon } from '../../components/icon.tsx';
import { expressionBefore } from './completion.ts';
import { ContextPanel } from './context-panel.tsx';
import { bodyFault, newKey, type Draft } from './draft.ts';
import classes from './draft-form.module.css';
import { PreviewPanel } from './preview-panel.tsx';
import { TemplateEditor, type Known } from './template-editor.tsx';
import { usePreview, type DraftPlace } from './use-preview.ts';
import { events, type EventName } from './vocabulary.ts';

type Props = {
  place: DraftPlace;
  /** Whose actions the preview may be about. */
  subject: { pipelineId: number | null; resourceType: string; resourceId: number; operation: string };
  draft: Draft;
  onChange: (draft: Draft) => void;
  /** Of the last try to save, by field. */
  faults: Record<string, string>;
  address?: { label: string; placeholder: string } | undefined;
  /** A hook that there is gets its first secret on the tab of signing, which shows it. */
  canSign?: boolean;
};

/** Everything about an outgoing hook: what it sends at the left, what may be used and what comes of it at the right. */
export function DraftForm({ place, subject, draft, onChange, faults, address, canSign = true }: Props) {
  const [actionId, setActionId] = useState<number | null>(null);
  const [event, setEvent] = useState<EventName | null>(null);
  const preview = usePreview(place, draft, { actionId, event });
  const { answer } = preview;
  const known = useMemo(() => knownOf(answer), [answer]);
  const lastInput = useRef<HTMLTextAreaElement | null>(null);
  const form = useRef<HTMLDivElement>(null);
  const set = (change: Partial<Draft>) => onChange({ ...draft, ...change });
  const remember = (input: HTMLTextAreaElement) => {
    lastInput.current = input;
  };
  const fault = (field: string): string | undefined => {
    // Without an address yet, what is said of it is about the one that stands in for it.
    if (field === 'target_url' && draft.url.trim() === '') return faults[field];
    return preview.faults[field] ?? faults[field];
  };
  const faultsBelow = (prefix: string): string | undefined => {
    const all = Object.entries({ ...faults, ...preview.faults }).filter(
      ([field]) => field === prefix || field.startsWith(`${prefix}.`),
    );
    return all.length === 0
      ? undefined
      : all
          .map(([field, message]) =>
            field === prefix ? message : `${field.slice(prefix.length + 1)} ${message}`,
          )
          .join('; ');
  };
  const warnings = (prefix: string) => {
    const found = (answer?.warnings ?? []).filter(
      ({ field }) => field === prefix || field.startsWith(`${prefix}.`),
    );
    return found.map(({ field, message }) => ({
      name: nameIn(message),
      message: field === prefix ? capital(message) : `${field.slice(prefix.length + 1)}: ${message}`,
    }));
  };
  const insert = (path: string, value: unknown) => {
    const input =
      lastInput.current?.isConnected === true
        ? lastInput.current
        : form.current?.querySelector<HTMLTextAreaElement>('[data-body] textarea');
    if (!input) return;
    const isInside = expressionBefore(input.value, input.selectionEnd) !== null;
    const isWhole = typeof value === 'object' && value !== null;
    insertAtCursor(input, isInside ? path : `{{ ${path}${isWhole ? ' | json' : ''} }}`);
  };
  const toggle = (name: EventName) =>
    set({
      events: draft.events.includes(name)
        ? draft.events.filter((one) => one !== name)
        : events.map((one) => one.name).filter((one) => one === name || draft.events.includes(one)),
    });
  const jsonFault = bodyFault(draft);

  return (
    <div className={classes['columns']} ref={form}>
      <Stack gap="md">
        <TextInput
          label="Name"
          required
          maxLength={60}
          value={draft.name}
          error={faults['name']}
          onChange={(event) => set({ name: event.currentTarget.value })}
        />
        <TemplateEditor
          label={address?.label ?? 'URL'}
          required
          isLine
          value={draft.url}
          placeholder={address?.placeholder ?? 'https://example.com/hooks/{{ action.id }}'}
          onChange={(url) => set({ url })}
          known={known}
          onFocus={remember}
          error={fault('target_url')}
          warnings={warnings('target_url')}
        />
        <Fieldset legend="When">
          <div className={classes['events']}>
            {events.map(({ name, label, text }) => (
              <Checkbox
                key={name}
                label={label}
                description={text}
                checked={draft.events.includes(name)}
                onChange={() => toggle(name)}
              />
            ))}
          </div>
          {draft.events.length === 0 && (
            <Text size="xs" c="red" mt="xs">
              Choose at least one.
            </Text>
          )}
          <Conditions draft={draft} set={set} known={known} warnings={warnings} />
        </Fieldset>
        <Fieldset legend="Headers">
          <Stack gap="xs">
            {draft.headers.map((header, index) => {
              const change = (changed: Partial<typeof header>) =>
                set({ headers: draft.headers.map((one) => (one === header ? { ...one, ...changed } : one)) });
              return (
                <div key={header.key} className={classes['row']}>
                  <TextInput
                    aria-label={`Name of header ${index + 1}`}
                    placeholder="Authorization"
                    value={header.name}
                    error={fault(`settings.request_headers.${index}.name`)}
                    onChange={(event) => change({ name: event.currentTarget.value })}
                  />
                  <TemplateEditor
                    label={`Value of header ${index + 1}`}
                    hideLabel
                    isLine
                    placeholder="Bearer {{ application.source_provider.access_token }}"
                    value={header.value}
                    onChange={(value) => change({ value })}
                    known={known}
                    onFocus={remember}
                    error={fault(`settings.request_headers.${index}.value`)}
                    warnings={warnings(`settings.request_headers.${index}.value`)}
                  />
                  <Remove
                    what={`header ${index + 1}`}
                    onClick={() => set({ headers: draft.headers.filter((one) => one !== header) })}
                  />
                </div>
              );
            })}
            <Add onClick={() => set({ headers: [...draft.headers, { key: newKey(), name: '', value: '' }] })}>
              Add a header
            </Add>
          </Stack>
        </Fieldset>
        <div data-body>
          <Group justify="space-between" mb={4}>
            <Text component="span" size="sm" fw={500} id="outgoing-body">
              Body
            </Text>
            <SegmentedControl
              size="xs"
              aria-label="Kind of body"
              value={draft.bodyKind}
              onChange={(bodyKind) => set({ bodyKind: bodyKind as Draft['bodyKind'] })}
              data={[
                { value: 'json', label: 'JSON' },
                { value: 'text', label: 'Text' },
                { value: 'none', label: 'None' },
              ]}
            />
          </Group>
          {draft.bodyKind !== 'none' && (
            <TemplateEditor
              label="Body"
              hideLabel
              rows={10}
              language={draft.bodyKind === 'json' ? 'json' : 'liquid'}
              value={draft.body}
              onChange={(body) => set({ body })}
              known={known}
              onFocus={remember}
              error={jsonFault ?? faultsBelow('settings.request_body')}
              warnings={jsonFault === null ? warnings('settings.request_body') : []}
            />
          )}
          <Text size="xs" c="dimmed" mt={4}>
            Type {'{{'} for names, | for filters; Ctrl+Space completes. Values are escaped for where they
            stand.
          </Text>
        </div>
        <Security draft={draft} set={set} fault={fault} canSign={canSign} />
      </Stack>
      <aside className={classes['side']} aria-label="Preview and names">
        <PreviewPanel
          preview={preview}
          subject={subject}
          about={{ actionId, event }}
          hasAddress={draft.url.trim() !== ''}
          onAction={setActionId}
          onEvent={setEvent}
        />
        <ContextPanel answer={answer} onPick={insert} />
      </aside>
    </div>
  );
}

type Part = { draft: Draft; set: (change: Partial<Draft>) => void };

function Conditions({
  draft,
  set,
  known,
  warnings,
}: Part & {
  known: Known;
  warnings: (prefix: string) => { name: string | null; message: string }[];
}) {
  return (
    <Stack gap="xs" mt="sm">
      {draft.conditions.length > 0 && (
        <Text size="sm">And only if each of these is one of its values, one per line:</Text>
      )}
      {draft.conditions.map((condition, index) => {
        const change = (changed: Partial<typeof condition>) =>
          set({
            conditions: draft.conditions.map((one) => (one === condition ? { ...one, ...changed } : one)),
          });
        const told = warnings(`trigger_when.conditions.${index}.path`);
        return (
          <div key={condition.key} className={classes['row']}>
            <TextInput
              aria-label={`Name of condition ${index + 1}`}
              placeholder="action.commit.ref"
              list="outgoing-names"
              value={condition.path}
              onChange={(event) => change({ path: event.currentTarget.value })}
              description={told.length > 0 ? told.map(({ message }) => message).join(' ') : undefined}
              inputWrapperOrder={['input', 'description']}
            />
            <Textarea
              aria-label={`Values of condition ${index + 1}`}
              placeholder="main"
              autosize
              value={condition.values}
              onChange={(event) => change({ values: event.currentTarget.value })}
            />
            <Remove
              what={`condition ${index + 1}`}
              onClick={() => set({ conditions: draft.conditions.filter((one) => one !== condition) })}
            />
          </div>
        );
      })}
      <datalist id="outgoing-names">
        {known.names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <Add
        onClick={() => set({ conditions: [...draft.conditions, { key: newKey(), path: '', values: '' }] })}
      >
        Add a condition
      </Add>
    </Stack>
  );
}

function Security({
  draft,
  set,
  fault,
  canSign,
}: Part & { fault: (field: string) => string | undefined; canSign: boolean }) {
  const { tls } = draft;
  const pem = (field: keyof Draft['tls'], label: string, description: string) => (
    <Textarea
      label={label}
      description={description}
      placeholder="-----BEGIN …"
      autosize
      minRows={2}
      maxRows={8}
      spellCheck={false}
      autoComplete="off"
      classNames={{ input: classes['pem']! }}
      value={tls[field]}
      error={fault(`tls.${field}`)}
      onChange={(event) => set({ tls: { ...tls, [field]: event.currentTarget.value } })}
    />
  );
  return (
    <Stack gap="sm">
      <Switch
        label="Sign each request"
        description={
          canSign
            ? 'As Standard Webhooks says: webhook-signature. The secret is shown once.'
            : 'It has no secret yet: the tab “Signing” makes one.'
        }
        disabled={!canSign}
        checked={draft.signing}
        onChange={(event) => set({ signing: event.currentTarget.checked })}
      />
      <Accordion variant="contained" chevronPosition="left">
        <Accordion.Item value="tls">
          <Accordion.Control>Certificates</Accordion.Control>
          <Accordion.Panel>
            <Stack>
              <Switch
                label="Check the receiver's certificate"
                description="Better than off is the CA of the receiver, below."
                checked={draft.verifySsl}
                onChange={(event) => set({ verifySsl: event.currentTarget.checked })}
              />
              {pem('ca_certificate', 'CA of the receiver', 'For a certificate that no public CA has made.')}
              {pem(
                'client_certificate',
                'Client certificate',
                'For a receiver that asks for one (mutual TLS).',
              )}
              {pem('client_key', 'Client key', 'Never shown again. What is masked here is kept.')}
            </Stack>
          </Accordion.Panel>
        </Accordion.Item>
      </Accordion>
    </Stack>
  );
}

function Remove({ what, onClick }: { what: string; onClick: () => void }) {
  return (
    <Tooltip label={`Remove ${what}`}>
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`Remove ${what}`} onClick={onClick}>
        <Icon name="cross" />
      </ActionIcon>
    </Tooltip>
  );
}

function Add({ children, onClick }: { children: string; onClick: () => void }) {
  return (
    <Group>
      <Button
        size="compact-sm"
        variant="subtle"
        leftSection={<Icon name="plus" size={14} />}
        onClick={onClick}
      >
        {children}
      </Button>
    </Group>
  );
}

const variables = 'action.triggered_from.hook_parsed_variables.';

/** The name that a warning is about; the server's sentence quotes it. */
function nameIn(message: string): string | null {
  const name = /^names (?:the variable )?"([^"]+)"/.exec(message)?.[1];
  if (name === undefined) return null;
  return message.startsWith('names the variable') ? variables + name : name;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function knownOf(answer: OutgoingHookDraftPreview | null): Known {
  const names = new Set(answer?.names);
  const samples = new Map<string, string>();
  const walk = (value: unknown, path: string, depth: number) => {
    if (typeof value === 'object' && value !== null) {
      if (depth < 6)
        for (const [key, child] of Object.entries(value))
          walk(child, path ? `${path}.${key}` : key, depth + 1);
      return;
    }
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    samples.set(path, text.length > 40 ? `${text.slice(0, 39)}…` : text);
    names.add(path);
  };
  if (answer) walk(answer.context, '', 0);
  return {
    names: [...names],
    filters: answer?.filters ?? [],
    sample: (name) => samples.get(name) ?? null,
  };
}
