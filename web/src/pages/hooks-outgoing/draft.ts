import type { Hook, HookTls, OutgoingHookDraftPreview, OutgoingHookUpdate, RequestHeader } from '#sdk';
import type { EventName } from './vocabulary.ts';

/** A hook as it stands in the form. */
export type Draft = {
  name: string;
  url: string;
  /** With an id each, so that a row keeps its place in the page. */
  headers: (RequestHeader & { key: number })[];
  bodyKind: 'json' | 'text' | 'none';
  body: string;
  events: EventName[];
  /** The accepted values of each, one per line. */
  conditions: { key: number; path: string; values: string }[];
  signing: boolean;
  verifySsl: boolean;
  tls: { ca_certificate: string; client_certificate: string; client_key: string };
};

type Body = NonNullable<OutgoingHookUpdate['settings']>['request_body'];

let lastKey = 0;
export const newKey = (): number => ++lastKey;

export const emptyDraft: Draft = {
  name: '',
  url: '',
  headers: [],
  bodyKind: 'json',
  body: '{\n  "action": "{{ action.id | json }}",\n  "status": "{{ action.status }}"\n}',
  events: ['action.completed', 'action.failed'],
  conditions: [],
  signing: false,
  verifySsl: true,
  tls: { ca_certificate: '', client_certificate: '', client_key: '' },
};

export function draftOf(hook: Hook): Draft {
  const { settings, trigger_when, tls } = hook;
  return {
    name: hook.name,
    url: hook.target_url ?? '',
    headers: (settings.request_headers ?? []).map((header) => ({ ...header, key: newKey() })),
    ...bodyOf(settings.request_body),
    // Safe: an outgoing hook has no other events.
    events: (trigger_when.events ?? []) as EventName[],
    conditions: trigger_when.conditions.map(({ path, accepted_values }) => ({
      key: newKey(),
      path,
      values: accepted_values.map(String).join('\n'),
    })),
    signing: hook.signing,
    verifySsl: hook.verify_ssl,
    tls: tlsOf(tls),
  };
}

/** What a preset fills in. */
export function draftOfPreset(made: OutgoingHookDraftPreview, url: string): Draft {
  return {
    ...emptyDraft,
    name: made.name,
    url,
    headers: made.settings.request_headers.map((header) => ({ ...header, key: newKey() })),
    ...bodyOf(made.settings.request_body),
    events: made.events,
    signing: made.signing,
  };
}

function bodyOf(body: Body): Pick<Draft, 'bodyKind' | 'body'> {
  if (body === null || body === undefined) return { bodyKind: 'none', body: '' };
  if (typeof body === 'string') return { bodyKind: 'text', body };
  return { bodyKind: 'json', body: JSON.stringify(body, null, 2) };
}

function tlsOf(tls: HookTls | null): Draft['tls'] {
  return {
    ca_certificate: tls?.ca_certificate ?? '',
    client_certificate: tls?.client_certificate ?? '',
    client_key: tls?.client_key ?? '',
  };
}

/** Why the text is no JSON, with the line; null when it is, or need not be. */
export function bodyFault({ bodyKind, body }: Pick<Draft, 'bodyKind' | 'body'>): string | null {
  if (bodyKind !== 'json') return null;
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? null : 'Must be an object or a list.';
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const position = /position (\d+)/.exec(why)?.[1];
    const line =
      position === undefined || why.includes('line ')
        ? ''
        : ` (line ${body.slice(0, Number(position)).split('\n').length})`;
    return `Not JSON yet: ${why}${line}. An expression stands within quotes: "{{ action.id | json }}" keeps its type.`;
  }
}

/** What is sent; only of a draft without a fault of its body. `standIn` goes where no address is written yet. */
export function inputOf(
  draft: Draft,
  standIn?: string,
): OutgoingHookUpdate & { name: string; target_url: string } {
  const { tls } = draft;
  const isPlain = Object.values(tls).every((text) => text.trim() === '');
  return {
    name: draft.name.trim() || (standIn === undefined ? '' : 'New hook'),
    target_url: draft.url.trim() || (standIn ?? ''),
    settings: {
      request_headers: draft.headers
        .filter(({ name }) => name.trim() !== '')
        .map(({ name, value }) => ({ name: name.trim(), value })),
      request_body: requestBody(draft),
    },
    trigger_when: {
      events: draft.events,
      conditions: draft.conditions
        .filter(({ path, values }) => path.trim() !== '' && values.trim() !== '')
        .map(({ path, values }) => ({
          path: path.trim(),
          accepted_values: values
            .split('\n')
            .map((value) => value.trim())
            .filter((value) => value !== ''),
        })),
    },
    signing: draft.signing,
    verify_ssl: draft.verifySsl,
    tls: isPlain
      ? null
      : {
          ca_certificate: tls.ca_certificate.trim() || null,
          client_certificate: tls.client_certificate.trim() || null,
          client_key: tls.client_key.trim() || null,
        },
  };
}

function requestBody({ bodyKind, body }: Draft): Body {
  if (bodyKind === 'none') return null;
  // Safe: `bodyFault` is null.
  return bodyKind === 'json' ? (JSON.parse(body) as Record<string, unknown>) : body;
}
