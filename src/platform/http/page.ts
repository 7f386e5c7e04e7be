/** A small page of our own: no script, nothing from another host. `body` is HTML; texts in it go through `escapeHtml`. */
export function htmlPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>
  :root {
    color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif;
    --ground: #f3f4f6; --card: #fff; --text: #111827; --faint: #4b5563; --line: #d1d5db; --field: #8a919e;
    --accent: #1d4ed8; --accent-hover: #1e40af; --on-accent: #fff; --ring: #2563eb;
    --alert: #b91c1c; --alert-ground: #fef2f2
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --ground: #0b0f15; --card: #151b23; --text: #e6e9ee; --faint: #a3acb9; --line: #2d3641; --field: #6b7685;
      --accent: #3b6fe0; --accent-hover: #2f62d1; --ring: #8ab0ff;
      --alert: #fca5a5; --alert-ground: #2a1517
    }
  }
  * { box-sizing: border-box }
  body { margin: 0; min-height: 100vh; padding: 8vh 1rem 3rem; background: var(--ground); color: var(--text) }
  main { max-width: 40rem; margin: 0 auto; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; overflow-wrap: anywhere }
  main:has(form) { max-width: 27rem }
  main > :first-child { margin-top: 0 }
  main > :last-child { margin-bottom: 0 }
  h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; text-wrap: balance }
  p { margin: 0 0 1rem }
  pre { margin: 0 0 1rem; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem; white-space: pre-wrap }
  form { display: grid; gap: 1.125rem; margin-top: 1.5rem }
  label { display: grid; gap: .375rem; font-weight: 600 }
  small { color: var(--faint); font-size: .875rem; font-weight: 400 }
  input, button { font: inherit; width: 100%; min-height: 2.75rem; padding: .5rem .75rem; border: 1px solid var(--field); border-radius: .5rem }
  input { background: var(--card); color: var(--text); font-weight: 400 }
  input:read-only { background: var(--ground); color: var(--faint) }
  button { background: var(--accent); color: var(--on-accent); border-color: transparent; font-weight: 600; cursor: pointer }
  button:hover { background: var(--accent-hover) }
  button:focus-visible, input:focus-visible { outline: 2px solid var(--ring); outline-offset: 2px }
  [role=alert] { padding: .75rem 1rem; border: 1px solid currentColor; border-radius: .5rem; background: var(--alert-ground); color: var(--alert) }
  @media (max-width: 30rem) { body { padding: 1rem 1rem 2rem } main { padding: 1.5rem 1.25rem } }
</style>
<main>
${body}
</main>
</html>
`;
}

/** What such a page may load and where its form may go. */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
