/** What pipelines, variables and hooks can belong to in this version. */
export const resourceTypes = ['application', 'server'] as const;
export type ResourceType = (typeof resourceTypes)[number];

/** The columns that tie a row to its resource: the pair everyone reads, and the foreign key that deletes it along. */
export function resourceColumns(type: ResourceType, id: number) {
  return {
    resource_type: type,
    resource_id: id,
    application_id: type === 'application' ? id : null,
    server_id: type === 'server' ? id : null,
  };
}

/** The kinds of the reference. Lists may be asked for any of them; those that Hookline has none of are empty. */
export const knownResourceTypes = [
  ...resourceTypes,
  'credential',
  'cronjob',
  'daemon',
  'deployment',
  'network',
  'network-rule',
  'service',
  'ssh-key',
  'ssl-certificate',
  'subnet',
  'virtual-host',
] as const;
