import { Select } from '@mantine/core';
import { usePlace } from './place.tsx';

/** Which environment the pages show, by project. */
export function PlaceSwitcher() {
  const { environment, environments, choose } = usePlace();
  const byProject = new Map<string, { value: string; label: string }[]>();
  for (const { id, name, project } of environments) {
    const group = project?.name ?? 'Environments';
    byProject.set(group, [...(byProject.get(group) ?? []), { value: String(id), label: name }]);
  }
  return (
    <Select
      aria-label="Environment"
      size="xs"
      w={{ base: 150, sm: 200 }}
      searchable={environments.length > 8}
      allowDeselect={false}
      data={[...byProject].map(([group, items]) => ({ group, items }))}
      value={environment ? String(environment.id) : null}
      onChange={(value) => value && choose(Number(value))}
    />
  );
}
