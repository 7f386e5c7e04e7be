import type { Output } from './output.ts';

const patienceMs = 1000;

/**
 * As `fetch`, with what a person at a terminal needs besides: a word while an answer takes long, and a sentence where what
 * answers is no Hookline. A redirect is not followed: it would take the password along, and make a GET of a POST.
 */
export function fetchFor(url: string, out: Output): typeof fetch {
  return async (input, init) => {
    const timer = setTimeout(() => out.progress(`Waiting for ${url} …`), patienceMs);
    let response: Response;
    try {
      response = await fetch(input, { ...init, redirect: 'manual' });
    } finally {
      clearTimeout(timer);
    }
    const moved = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
    const isPage = /^text\/html\b/.test(response.headers.get('content-type') ?? '');
    if (moved === null && !isPage) return response;
    await response.body?.cancel().catch(() => undefined);
    const message =
      moved === null
        ? `${url} answers with a web page. Is that the address of Hookline?`
        : `${url} sends to ${moved}. Is that the address of Hookline?`;
    return Response.json({ message }, { status: misdirected });
  };
}

/** 421: not to be tried again at the same place. */
const misdirected = 421;
