import type { ApiRoute } from './collect-routes.ts';
import type { Parameter } from './parameters.ts';

/** The call as a line for a shell, with the examples of its parameters and body. */
export function curlOf(call: {
  route: ApiRoute;
  server: string;
  parameters: Parameter[];
  body: unknown;
}): string {
  const { route, server, parameters, body } = call;
  const filled = (path: string, { name, example }: Parameter) =>
    path.replace(`{${name}}`, encodeURIComponent(String(example)));
  const path = parameters.filter((parameter) => parameter.in === 'path').reduce(filled, route.path);
  const method = route.method.toUpperCase();
  return [
    `curl ${method === 'GET' ? '' : `-X ${method} `}${quote(server + path)}`,
    ...(route.config.access === 'public' ? [] : ['-H "Authorization: Bearer $TOKEN"']),
    ...(body === undefined
      ? []
      : ["-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(body))}`]),
  ].join(' \\\n  ');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
