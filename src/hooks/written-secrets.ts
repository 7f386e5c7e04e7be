import { mask } from '../platform/secret-box.ts';
import type { OutgoingDefinition } from './definition.ts';
import { isSensitiveName } from './sensitive-headers.ts';

/*
 * Secrets that users write into the URL or the body of an outgoing hook, as chat services and push services want it.
 * Expressions only name a secret, so they stay readable.
 */

type Body = OutgoingDefinition['request_body'];

/** Shorter ones would mask half of every text. */
const shortest = 4;

/** What records and echoes of a request must not show. */
export function writtenSecrets({
  target_url,
  request_body,
}: Pick<OutgoingDefinition, 'target_url' | 'request_body'>): string[] {
  const secrets = secretsOfBody(request_body);
  replaceInUrl(target_url, (secret) => {
    secrets.push(secret, decode(secret));
    return secret;
  });
  return secrets;
}

/** The URL as an answer shows it. */
export function maskUrlTemplate(url: string): string {
  return replaceInUrl(url, () => mask);
}

/** The body as an answer shows it. */
export function maskBodyTemplate(body: Body): Body {
  const secrets = secretsOfBody(body);
  if (secrets.length === 0) return body;
  const hide = (text: string) => secrets.reduce((shown, secret) => shown.replaceAll(secret, mask), text);
  // Safe: what goes in and what comes out have the same form, as every string becomes a string.
  return mapStrings(body, hide) as Body;
}

const expression = /\{\{.*?\}\}|\{%.*?%\}/gs;

/**
 * Secrets in a URL are the values of parameters with a telling name, and whatever looks made up by a machine: a long
 * mixture of letters and digits in the path, as in the addresses of chat services, or in the query.
 */
function replaceInUrl(url: string, replace: (secret: string) => string): string {
  const expressions: string[] = [];
  // NUL stands in no URL.
  const plain = url.replaceAll(expression, (found) => `\0${expressions.push(found) - 1}\0`);
  const literals = (text: string, isSecret: (literal: string) => boolean) =>
    text
      .split(/(\0\d+\0)/)
      .map((part) => (!part.startsWith('\0') && isSecret(part) ? replace(part) : part))
      .join('');
  const [, address = '', query = ''] = /^([^?]*)(.*)$/s.exec(plain) ?? [];
  const parts = address.split('/');
  const isChat = chatAddress.test(address);
  const path = parts.map((part, index) => {
    if (index < 3) return part;
    return literals(part, isChat && index === parts.length - 1 ? () => true : looksMadeUp);
  });
  const parameters = query.split(/([?&#])/).map((part) => {
    const [, name = '', value = ''] = /^([^=]*=)(.*)$/s.exec(part) ?? [];
    if (name === '') return literals(part, looksMadeUp);
    const isSecret = isSensitiveName(name) || /^(sig|code|signature)=$/i.test(name);
    return name + literals(value, (text) => (isSecret && text.length >= shortest) || looksMadeUp(text));
  });
  return (path.join('/') + parameters.join('')).replaceAll(
    /\0(\d+)\0/g,
    (_, index: string) => expressions[Number(index)] ?? '',
  );
}

/** Slack's and Discord's end in a token, whatever it looks like. */
const chatAddress = /\/services\/T\w+\/B\w+\/\w+$|\/api\/webhooks\/\d+\/[\w-]+$/;

function looksMadeUp(text: string): boolean {
  if (text.length < 20 || !/^[\w.~:%+=-]+$/.test(text)) return false;
  const digits = text.replaceAll(/\D/g, '').length;
  return /[a-z]/i.test(text) && digits > 0 && (digits >= 3 || (/[a-z]/.test(text) && /[A-Z]/.test(text)));
}

const tellingKey = /token|secret|passw|credential|authorization|api[-_]?key/i;

/** In a body they are the texts under a telling key. */
function secretsOfBody(body: Body): string[] {
  const secrets: string[] = [];
  const collect = (value: unknown, key: string) => {
    if (typeof value === 'string') {
      if (tellingKey.test(key)) secrets.push(...value.split(expression).filter(isLongEnough));
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, item] of Object.entries(value)) collect(item, Array.isArray(value) ? key : name);
    }
  };
  collect(typeof body === 'string' ? parsed(body) : body, '');
  return secrets;
}

function isLongEnough(text: string): boolean {
  return text.length >= shortest;
}

/** A body may be JSON, or a form, written as one text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return Object.fromEntries(text.split('&').map((field) => field.split('=', 2)));
  }
}

function mapStrings(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, map));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapStrings(item, map)]));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
