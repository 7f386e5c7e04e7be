import { readFileSync } from 'node:fs';
import { createApp } from './app.js';

// Beside this file rather than in the working directory, and read once: a process answers with the release that it was
// started from, also after `current` has been switched to another one.
const release = JSON.parse(readFileSync(new URL('release.json', import.meta.url), 'utf8'));
const port = Number(process.env.PORT || 3000);

const server = createApp(release).listen(port, '127.0.0.1', () => {
  console.log(`${release.release} (${release.commit}) answers at http://127.0.0.1:${port}`);
});

process.once('SIGTERM', () => {
  // Requests under way are answered; connections that wait for a next one are not waited for.
  server.close();
  server.closeIdleConnections();
  setTimeout(() => process.exit(), 3000).unref();
});
