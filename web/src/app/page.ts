/** Where the page lives, with a slash at its end: `https://example.com/hookline/`. */
export const baseUrl = new URL('./', document.baseURI);

/** Of `<style>` elements that scripts add; empty in development, where no policy asks for it. */
export const styleNonce =
  document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content.replace('%NONCE%', '') ?? '';

// The lock that keeps the page still behind a dialog adds a style too; this is where it looks for a nonce.
Object.assign(globalThis, { __webpack_nonce__: styleNonce || undefined });

/** An address of the server that is no page of ours, such as `docs`. */
export function addressOf(path: string): string {
  return new URL(path, baseUrl).href;
}
