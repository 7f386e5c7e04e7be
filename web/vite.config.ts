import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** The server fills these in for each request; the dev server has a page without a prefix and without a policy. */
const placeholders: Plugin = {
  name: 'placeholders',
  apply: 'serve',
  transformIndexHtml: {
    order: 'pre',
    handler: (html) => html.replace('%BASE%', '/').replace('%NONCE%', ''),
  },
};

/** The Hookline whose API the dev server shows. */
const api = process.env['HOOKLINE_URL'] ?? 'http://localhost:8080';

export default defineConfig({
  root: import.meta.dirname,
  // Addresses follow <base>, which is known only to the server that serves the page.
  base: './',
  cacheDir: '.vite',
  plugins: [react(), placeholders],
  server: {
    port: 5173,
    proxy: { '/api': api, '/docs': api },
  },
  build: {
    outDir: 'dist',
    target: 'es2023',
    // Those that know light-dark(): what it would be replaced by has no colour under Mantine's own colour scheme.
    cssTarget: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    // A font or an image as data: would need a wider policy.
    assetsInlineLimit: 0,
    license: false,
    modulePreload: { polyfill: false },
  },
});
