/** What a pipeline can do to its resource, which is also the type of its actions. The reference knows these alone. */
const operations = {
  check_provisioned: 'Check provisioned',
  configure: 'Configure',
  delete: 'Delete',
  deploy: 'Deploy',
  get_status: 'Get status',
  provision: 'Provision',
  reload: 'Reload',
  remove: 'Remove',
  restart: 'Restart',
  rotate_key: 'Rotate key',
  start: 'Start',
  stop: 'Stop',
} as const;

export type Operation = keyof typeof operations;

// Safe: the keys of the very table.
export const operationCodes = Object.keys(operations) as Operation[];

export function operationLabel(code: string): string {
  return Object.hasOwn(operations, code) ? operations[code as Operation] : code;
}
