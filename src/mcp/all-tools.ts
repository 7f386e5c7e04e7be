import type { ApiRoute } from '../openapi/collect-routes.ts';
import { joinedTools } from './joined/joined-tools.ts';
import { toolsOf, type Tool } from './tools.ts';

/** Every tool there is: those that join several operations first, since a model reads from the top. */
export function allTools(routes: ApiRoute[]): Tool[] {
  const tools = [...joinedTools, ...toolsOf(routes)];
  const names = tools.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`Two tools are called ${twice}.`);
  return tools;
}
