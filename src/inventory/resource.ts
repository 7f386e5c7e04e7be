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
