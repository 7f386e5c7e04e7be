/** A small page of our own: no script, nothing from another host. `body` is HTML; texts in it go through `escapeHtml`. */
export function htmlPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
  body { max-width: 42rem; margin: 12vh auto 3rem; padding: 0 1.25rem }
  pre { padding: .75rem 1rem; border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: .5rem; white-space: pre-wrap; overflow-wrap: anywhere }
  form { display: grid; gap: 1rem; max-width: 24rem }
  label { display: grid; gap: .25rem }
  small { opacity: .75 }
  input, button { font: inherit; padding: .5rem .75rem; border: 1px solid color-mix(in srgb, currentColor 40%, transparent); border-radius: .5rem }
  input { background: Field; color: FieldText }
  button { background: #1d4ed8; color: #fff; border-color: transparent; cursor: pointer }
  button:focus-visible, input:focus-visible { outline: 2px solid #60a5fa; outline-offset: 2px }
  [role=alert] { padding: .75rem 1rem; border: 1px solid #dc2626; border-radius: .5rem }
</style>
${body}
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
