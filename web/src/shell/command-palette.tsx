import { Spotlight } from '@mantine/spotlight';
import { useRouter } from '@tanstack/react-router';
import { Icon } from '../components/icon.tsx';
import { areas } from './areas.ts';

export default function CommandPalette() {
  const router = useRouter();
  return (
    <Spotlight
      shortcut="mod + K"
      nothingFound="Nothing of that name"
      searchProps={{ placeholder: 'Find…', 'aria-label': 'Find' }}
      actions={areas.map(({ to, label, icon }) => ({
        id: to,
        label,
        leftSection: <Icon name={icon} />,
        onClick: () => void router.navigate({ to }),
      }))}
    />
  );
}
