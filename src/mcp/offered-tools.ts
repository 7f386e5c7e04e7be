import type { Caller } from './api-calls.ts';
import type { Tool } from './tools.ts';

/** What of the tools a connection wants, by the query of its address. */
export type View = {
  /** `?readonly=true`: only what changes nothing. */
  isReadOnly: boolean;
  /** `?toolsets=hooks,actions`: only these; null for all. */
  toolsets: string[] | null;
};

export function readView(address: string | undefined): View {
  const query = new URL(address ?? 'http://host').searchParams;
  const toolsets = query.get('toolsets');
  return {
    isReadOnly: ['true', '1', ''].includes(query.get('readonly') ?? 'false'),
    toolsets: toolsets ? toolsets.split(',').map((name) => name.trim().toLowerCase()) : null,
  };
}

/**
 * Why this caller is neither shown the tool nor may call it, or null. Whether it may be called in the very place that a call
 * names, the API decides.
 */
export function whyNotOffered(tool: Tool, caller: Caller, view: View): string | null {
  if (view.isReadOnly && !tool.annotations.readOnlyHint)
    return 'This connection only reads (readonly=true in its address).';
  if (view.toolsets && tool.toolset !== null && !view.toolsets.includes(tool.toolset))
    return `This connection has only the tools of ${view.toolsets.join(', ')}; this one is of ${tool.toolset}.`;
  const { needs } = tool;
  if (needs === 'token') return null;
  if (needs === 'person')
    return caller.isPerson ? null : 'This is about a person; the API token of a project is none.';
  const missing = needs.find((permission) => !caller.permissions.has(permission));
  return missing === undefined
    ? null
    : `This needs the permission ${missing}. Ask an administrator of the organization.`;
}
