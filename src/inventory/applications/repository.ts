/**
 * Owner and name of a repository given as `owner/name` or as a full git URL (https, ssh or scp-like). A GitLab owner
 * may be several groups deep, one of Bitbucket Data Center is `~name` for a person. Null when the text is neither.
 */
export function parseRepository(text: string): { owner: string; name: string } | null {
  const path =
    /^(?:https?:\/\/|ssh:\/\/|git:\/\/)[^/\s]+\/(.+)$/.exec(text)?.[1] ??
    /^[^/\s@]+@[^/\s:]+:(.+)$/.exec(text)?.[1] ??
    text;
  const match = /^((?:~?[\w.-]+\/)+)([\w.-]+?)(?:\.git)?\/?$/.exec(path);
  if (!match || path.split('/').some((part) => part === '.' || part === '..')) return null;
  return { owner: match[1]!.slice(0, -1), name: match[2]! };
}
