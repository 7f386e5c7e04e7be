import { Stack, Text, Title } from '@mantine/core';
import { JsonTree } from '../../components/json-tree.tsx';
import type { Payload } from './payload.ts';

/** Headers, parameters and body; a click on a value takes its path. */
export function PayloadTrees({
  payload,
  onPick,
}: {
  payload: Payload;
  onPick?: ((path: string, value: unknown) => void) | undefined;
}) {
  const { headers, query, body } = payload;
  const hasBody =
    body !== '' && !(typeof body === 'object' && body !== null && Object.keys(body).length === 0);
  const pick = onPick ? { onPick } : {};
  return (
    <Stack gap="sm">
      <section aria-label="Body">
        <Title order={3} size="h5" mb={4}>
          Body
        </Title>
        {hasBody ? (
          <JsonTree value={body} {...(typeof body === 'object' ? pick : {})} />
        ) : (
          <Text size="sm" c="dimmed">
            Empty, or not kept.
          </Text>
        )}
      </section>
      {Object.keys(query).length > 0 && (
        <section aria-label="Parameters of the address">
          <Title order={3} size="h5" mb={4}>
            Parameters
          </Title>
          <JsonTree value={query} root="$query" {...pick} />
        </section>
      )}
      {Object.keys(headers).length > 0 && (
        <section aria-label="Headers">
          <Title order={3} size="h5" mb={4}>
            Headers
          </Title>
          <JsonTree value={headers} root="$headers" {...pick} />
        </section>
      )}
    </Stack>
  );
}
