import { isDeepStrictEqual } from 'node:util';
import { invalid, type FieldError } from '../platform/errors.ts';
import { compileOutgoing } from './compile-outgoing.ts';
import type { EventName, OutgoingCondition, OutgoingDefinition, TlsSettings } from './definition.ts';
import { mask } from '../platform/secret-box.ts';
import { maskHeaderTemplate } from './sensitive-headers.ts';
import { givenSigningSecret } from './signing-secret.ts';
import { mergeTls, tlsFaults } from './tls.ts';
import { maskBodyTemplate, maskUrlTemplate, writtenSecrets } from './written-secrets.ts';

/* What somebody sends to define an outgoing hook, checked and completed. */

export type OutgoingInput = {
  name?: string | undefined;
  active?: boolean | undefined;
  target_url?: string | undefined;
  verify_ssl?: boolean | undefined;
  signing?: boolean | undefined;
  secret?: string | undefined;
  tls?: { [Name in keyof TlsSettings]?: string | null | undefined } | null | undefined;
  settings?:
    | {
        request_headers?: { name: string; value: string }[] | undefined;
        request_body?: OutgoingDefinition['request_body'] | undefined;
      }
    | null
    | undefined;
  trigger_when?:
    | { events?: EventName[] | undefined; conditions?: OutgoingCondition[] | undefined }
    | null
    | undefined;
};

/** What the hook signs with counts as wanted by whoever gives it. */
function wantsSigning(input: OutgoingInput, old: OutgoingDefinition | null): boolean {
  return input.signing ?? (givenSigningSecret(input.secret) !== undefined || (old?.signing ?? false));
}

const defaultEvents: EventName[] = ['action.started', 'action.completed', 'action.failed'];

/** What the input leaves out, or holds masked, is taken from `old`. Throws `invalid` with every fault. */
export function outgoingDefinition(input: OutgoingInput, old: OutgoingDefinition | null): OutgoingDefinition {
  const definition: OutgoingDefinition = {
    target_url: keepMaskedUrl(input.target_url, old?.target_url ?? ''),
    verify_ssl: input.verify_ssl ?? old?.verify_ssl ?? true,
    request_headers: keepMasked(input.settings?.request_headers, old?.request_headers ?? []),
    request_body: keepMaskedBody(input.settings?.request_body, old?.request_body ?? null),
    events: input.trigger_when?.events ?? old?.events ?? defaultEvents,
    conditions: input.trigger_when?.conditions ?? old?.conditions ?? [],
    signing: wantsSigning(input, old),
    tls: mergeTls(input.tls, old?.tls),
  };
  const { faults } = compileOutgoing(definition);
  faults.push(...headerFaults(definition.request_headers), ...maskFaults(definition));
  faults.push(...urlFaults(definition.target_url));
  faults.push(...tlsFaults(definition.tls ?? null));
  if (old) faults.push(...carriedSecretFaults(input, old, definition));
  if (faults.length > 0) throw invalid(faults);
  return definition;
}

/**
 * Whoever sends a hook to another host must know the secrets that it is to send there: those that are only kept, as
 * nobody is shown them, do not move along.
 */
function carriedSecretFaults(
  input: OutgoingInput,
  old: OutgoingDefinition,
  changed: OutgoingDefinition,
): FieldError[] {
  if (hostOf(changed.target_url) === hostOf(old.target_url)) return [];
  const message = 'must be given anew, since the hook is to send to another host';
  const given = input.settings?.request_headers ?? [];
  const headers = changed.request_headers.flatMap(({ name, value }, index) => {
    const isSecret = maskHeaderTemplate(name, value) !== value;
    const isKnown = given.some((header) => header.name === name && header.value === value);
    return isSecret && !isKnown ? [{ field: `settings.request_headers.${index}.value`, message }] : [];
  });
  const plain = JSON.stringify(input.settings?.request_body ?? '');
  const kept = JSON.stringify(changed.request_body);
  const isCarried = writtenSecrets({ target_url: '', request_body: changed.request_body }).some((secret) => {
    const text = JSON.stringify(secret).slice(1, -1);
    return kept.includes(text) && !plain.includes(text);
  });
  return isCarried ? [...headers, { field: 'settings.request_body', message }] : headers;
}

/** Scheme and host of a URL template, as they are written. */
export function hostOf(url: string): string {
  return (/^[a-z]+:\/\/[^/?#]*/i.exec(url)?.[0] ?? url).toLowerCase();
}

/** An answer shows sensitive values masked; sending such an answer back keeps what was there. */
function keepMasked(
  given: { name: string; value: string }[] | undefined,
  old: { name: string; value: string }[],
): { name: string; value: string }[] {
  if (!given) return old;
  return given.map((header) => {
    const same = old.find(
      ({ name, value }) => name === header.name && maskHeaderTemplate(name, value) === header.value,
    );
    return same ?? header;
  });
}

function keepMaskedUrl(given: string | undefined, old: string): string {
  return given === undefined || given === maskUrlTemplate(old) ? old : given;
}

function keepMaskedBody(
  given: OutgoingDefinition['request_body'] | undefined,
  old: OutgoingDefinition['request_body'],
): OutgoingDefinition['request_body'] {
  if (given === undefined) return old;
  // Safe: each part is the given one, or the old one that stands in the same place and is shown like it.
  return keepMaskedPart(given, maskBodyTemplate(old), old) as OutgoingDefinition['request_body'];
}

function keepMaskedPart(given: unknown, shown: unknown, old: unknown): unknown {
  if (isDeepStrictEqual(given, shown)) return old;
  if (!isContainer(given) || !isContainer(shown) || !isContainer(old)) return given;
  const kept = Object.entries(given).map(([key, part]): [string, unknown] => [
    key,
    Object.hasOwn(shown, key) ? keepMaskedPart(part, shown[key], old[key]) : part,
  ]);
  return Array.isArray(given) ? kept.map(([, part]) => part) : Object.fromEntries(kept);
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Headers that belong to the connection, or that Hookline sets itself. */
const reservedHeaders = new Set([
  'connection',
  'content-length',
  '__proto__',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'webhook-id',
  'webhook-signature',
  'webhook-timestamp',
]);

function headerFaults(headers: OutgoingDefinition['request_headers']): FieldError[] {
  return headers.flatMap(({ name }, index) =>
    reservedHeaders.has(name.toLowerCase())
      ? [
          {
            field: `settings.request_headers.${index}.name`,
            message: `${name} is set by Hookline; leave it out`,
          },
        ]
      : [],
  );
}

/** Each is looked for in whatever is shown. */
const mostWrittenSecrets = 100;

/** A hook copied from what an answer shows would send the mask. */
function maskFaults({ request_headers, request_body }: OutgoingDefinition): FieldError[] {
  const message = `shows a secret as ${mask}; give the secret itself`;
  const headers = request_headers.flatMap(({ value }, index) =>
    value.includes(mask) ? [{ field: `settings.request_headers.${index}.value`, message }] : [],
  );
  const secrets = writtenSecrets({ target_url: '', request_body });
  if (secrets.length > mostWrittenSecrets) {
    const tooMany = `holds ${secrets.length} texts under names such as "token"; at most ${mostWrittenSecrets} can be masked`;
    return [...headers, { field: 'settings.request_body', message: tooMany }];
  }
  const isInBody = JSON.stringify(request_body ?? '').includes(mask);
  return isInBody ? [...headers, { field: 'settings.request_body', message }] : headers;
}

function urlFaults(url: string): FieldError[] {
  const field = 'target_url';
  if (url.includes(mask)) {
    return [
      { field, message: `shows a secret as ${mask}; leave the address out to keep it, or give all of it` },
    ];
  }
  const placeholder = /<[a-z][a-z0-9_ -]*>/i.exec(url);
  if (placeholder)
    return [{ field, message: `still holds the placeholder ${placeholder[0]}; put the real value there` }];
  if (!/^https?:\/\/[^/\s]/i.test(url)) return [{ field, message: 'must begin with https:// or http://' }];
  if (/^https?:\/\/[^/{}?#]*@/i.test(url)) {
    return [{ field, message: 'must not hold a name and password; send them in an Authorization header' }];
  }
  return [];
}
