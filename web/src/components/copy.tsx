import { ActionIcon, Group, Text, TextInput, Tooltip } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { Icon } from './icon.tsx';

/** `what` names it for a reader who does not see it: "Copy the id". */
export function CopyButton({ value, what }: { value: string; what: string }) {
  const { copied, copy } = useClipboard({ timeout: 1500 });
  const label = copied ? 'Copied' : `Copy ${what}`;
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        color={copied ? 'green' : 'gray'}
        aria-label={label}
        onClick={() => copy(value)}
      >
        <Icon name={copied ? 'check' : 'copy'} />
      </ActionIcon>
    </Tooltip>
  );
}

/** A text that is there to be copied, such as a URL or a secret that is shown once. */
export function CopyField({
  label,
  value,
  description,
}: {
  label: string;
  value: string;
  description?: string;
}) {
  return (
    <TextInput
      label={label}
      description={description}
      value={value}
      readOnly
      onFocus={(event) => event.currentTarget.select()}
      styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
      rightSection={<CopyButton value={value} what={label} />}
    />
  );
}

/** An id beside a title. */
export function CopyId({ id }: { id: string | number }) {
  return (
    <Group gap={2} wrap="nowrap">
      <Text component="span" size="sm" c="dimmed" ff="monospace">
        {id}
      </Text>
      <CopyButton value={String(id)} what="the id" />
    </Group>
  );
}
