/* global SwaggerUIBundle */
// Every address is relative to this page, so that all works below any path of a proxy.

const dark = matchMedia('(prefers-color-scheme: dark)');
const dress = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', dress);
dress();

try {
  const answer = await fetch('api/openapi.json');
  if (!answer.ok) throw new Error(`api/openapi.json answered ${answer.status}`);
  const spec = await answer.json();
  // Calls that are tried out go to where this page came from: no other address would be allowed.
  spec.servers = [{ url: new URL('api', document.baseURI).href }];
  SwaggerUIBundle({
    spec,
    domNode: document.getElementById('reference'),
    layout: 'BaseLayout',
    deepLinking: true,
    // Folded, the groups are an overview. Of more than 150 rows only those in sight would be on the page, and the
    // browser's own search would find nothing else.
    docExpansion: 'none',
    defaultModelsExpandDepth: -1,
    filter: true,
    displayRequestDuration: true,
    // The validator is another host's.
    validatorUrl: null,
  });
} catch (error) {
  document.querySelector('.notice').textContent = `The reference cannot be shown: ${error.message}.`;
}
