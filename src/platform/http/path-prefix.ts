import type { IncomingMessage } from 'node:http';

/** Where the first part of a path of the proxy is one of these, what was taken off cannot be told from what was not. */
const ownAddresses = /^\/(api|mcp|docs|assets|healthz|readyz|team-invitations)(\/|$)/;

/**
 * Takes the path of the public address off a request, which a proxy may have left there: with
 * `https://example.com/hookline` both `/hookline/api/actions` and `/api/actions` are the same.
 */
export function pathPrefix(publicUrl: string | null): (request: IncomingMessage) => void {
  const prefix = publicUrl === null ? '' : new URL(publicUrl).pathname.replace(/\/$/, '');
  if (prefix === '' || ownAddresses.test(prefix)) return () => {};
  return (request) => {
    const { url } = request;
    if (!url?.startsWith(prefix)) return;
    const rest = url.slice(prefix.length);
    if (rest === '' || rest.startsWith('?')) request.url = `/${rest}`;
    else if (rest.startsWith('/')) request.url = rest;
  };
}
