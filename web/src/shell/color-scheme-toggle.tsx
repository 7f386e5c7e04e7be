import { ActionIcon, Tooltip, useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import { Icon, type IconName } from '../components/icon.tsx';

const schemes: Record<MantineColorScheme, { icon: IconName; label: string; next: MantineColorScheme }> = {
  auto: { icon: 'contrast', label: 'Colours: as the system', next: 'light' },
  light: { icon: 'sun', label: 'Colours: light', next: 'dark' },
  dark: { icon: 'moon', label: 'Colours: dark', next: 'auto' },
};

export function ColorSchemeToggle() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { icon, label, next } = schemes[colorScheme];
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={label}
        onClick={() => setColorScheme(next)}
      >
        <Icon name={icon} size={18} />
      </ActionIcon>
    </Tooltip>
  );
}
