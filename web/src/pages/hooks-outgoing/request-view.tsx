import { Stack, Text } from '@mantine/core';
import { useMemo } from 'react';
import { highlight } from '../../components/highlight.ts';
import colours from './tokens.module.css';

type Props = {
  url: string | null;
  headers: Record<string, string>;
  body: string;
  className: string;
};

/** A request as it goes over the wire, secrets masked by the server. */
export function RequestView({ url, headers, body, className }: Props) {
  return (
    <Stack gap="xs">
      <pre className={className} data-request-url>
        {url === null ? 'POST …' : `POST ${url}`}
      </pre>
      {Object.keys(headers).length > 0 && (
        <pre className={className} data-request-headers>
          {Object.entries(headers)
            .map(([name, value]) => `${name}: ${value}`)
            .join('\n')}
        </pre>
      )}
      <BodyText body={body} className={className} />
    </Stack>
  );
}

/** JSON is set in lines and coloured, other text shown as it is. */
export function BodyText({ body, className }: { body: string; className: string }) {
  const { text, isJson } = useMemo(() => pretty(body), [body]);
  const tokens = useMemo(() => highlight(text, isJson ? 'json' : 'text'), [text, isJson]);
  if (body === '')
    return (
      <Text size="xs" c="dimmed">
        No body
      </Text>
    );
  return (
    <pre className={`${className} ${colours['tokens']}`} data-request-body>
      {tokens.map(({ text: part, kind }, index) =>
        kind ? (
          <span key={index} data-token={kind}>
            {part}
          </span>
        ) : (
          part
        ),
      )}
    </pre>
  );
}

/** Longer ones would take long to colour. */
const mostColoured = 200_000;

function pretty(body: string): { text: string; isJson: boolean } {
  if (body.length > mostColoured) return { text: body, isJson: false };
  try {
    return { text: JSON.stringify(JSON.parse(body), null, 2), isJson: true };
  } catch {
    return { text: body, isJson: false };
  }
}

/** The record shows what is no object as its text under `raw`, and no body as an empty object. */
export function recordedBody(body: unknown): string {
  if (typeof body !== 'object' || body === null) return typeof body === 'string' ? body : '';
  const entries = Object.entries(body);
  if (entries.length === 0) return '';
  const [first] = entries;
  if (entries.length === 1 && first?.[0] === 'raw' && typeof first[1] === 'string') return first[1];
  return JSON.stringify(body);
}
