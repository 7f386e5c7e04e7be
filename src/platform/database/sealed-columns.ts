import type { Database } from './schema.ts';

/** A column that holds values sealed by the secret box, and the purpose that they are bound to. */
type SealedColumn = {
  [Table in keyof Database]: {
    table: Table;
    /** Unique and never changed: re-encryption goes through the table by it. */
    key: keyof Database[Table] & ('id' | 'uuid');
    column: keyof Database[Table] & `${string}_sealed`;
    purpose: string;
  };
}[keyof Database];

/** Everything that is encrypted at rest. A column that is missing here would be left behind when the key is rotated. */
export const sealedColumns = [
  { table: 'credentials', key: 'id', column: 'settings_sealed', purpose: 'credential' },
  { table: 'servers', key: 'id', column: 'private_key_sealed', purpose: 'server key' },
  { table: 'variables', key: 'id', column: 'value_sealed', purpose: 'variable' },
  { table: 'hooks', key: 'id', column: 'definition_sealed', purpose: 'hook definition' },
  { table: 'hook_versions', key: 'id', column: 'definition_sealed', purpose: 'hook definition' },
  { table: 'hooks', key: 'id', column: 'secret_sealed', purpose: 'hook secret' },
  { table: 'hooks', key: 'id', column: 'previous_secret_sealed', purpose: 'hook secret' },
] as const satisfies readonly SealedColumn[];

/** Nothing can be sealed for a purpose that no column of the table has. */
export type SealedPurpose = (typeof sealedColumns)[number]['purpose'];
