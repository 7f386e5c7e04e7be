/** Where the page lives, with a slash at its end: `https://example.com/hookline/`. */
export const baseUrl = new URL('./', document.baseURI);

/** Of `<style>` elements that scripts add; empty in development, where no policy asks for it. */
export const styleNonce =
  document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content.replace('%NONCE%', '') ?? '';

/** An address of the server that is no page of ours, such as `docs`. */
export function addressOf(path: string): string {
  return new URL(path, baseUrl).href;
}
