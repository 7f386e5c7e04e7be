import { Select } from '@mantine/core';
import { usePlace } from './place.tsx';

/** Which environment the pages show, by project. */
export function PlaceSwitcher() {
  const { environment, environments, choose } = usePlace();
  const projects = new Set(environments.map(({ project }) => project?.id));
  const groups = new Map<string, { value: string; label: string }[]>();
  for (const { id, name, project } of environments) {
    const group = project?.name ?? 'Environments';
    // Environments are often called the same in every project: then its name alone says too little.
    const label = projects.size > 1 && project ? `${project.name} / ${name}` : name;
    groups.set(group, [...(groups.get(group) ?? []), { value: String(id), label }]);
  }
  return (
    <Select
      aria-label="Environment"
      size="xs"
      w={{ base: 150, sm: 220 }}
      searchable={environments.length > 8}
      nothingFoundMessage="No environment of that name"
      allowDeselect={false}
      maxDropdownHeight={360}
      comboboxProps={{ width: 'max-content', position: 'bottom-start' }}
      data={[...groups].map(([group, items]) => ({ group, items }))}
      value={environment ? String(environment.id) : null}
      onChange={(value) => value && choose(Number(value))}
    />
  );
}
