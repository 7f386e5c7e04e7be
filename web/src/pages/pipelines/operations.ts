import type { PipelineCreate } from '#sdk';

/** The commonest first. */
export const operations: { value: PipelineCreate['operation']; label: string }[] = [
  { value: 'deploy', label: 'Deploy' },
  { value: 'restart', label: 'Restart' },
  { value: 'reload', label: 'Reload' },
  { value: 'start', label: 'Start' },
  { value: 'stop', label: 'Stop' },
  { value: 'configure', label: 'Configure' },
  { value: 'get_status', label: 'Get status' },
  { value: 'provision', label: 'Provision' },
  { value: 'check_provisioned', label: 'Check provisioned' },
  { value: 'rotate_key', label: 'Rotate key' },
  { value: 'remove', label: 'Remove' },
  { value: 'delete', label: 'Delete' },
];
