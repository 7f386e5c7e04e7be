import { Spotlight, type SpotlightActionData } from '@mantine/spotlight';
import { useQuery } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { useState } from 'react';
import { findableQuery } from '../api/findable.ts';
import { Icon, type IconName } from '../components/icon.tsx';
import { areas } from './areas.ts';
import { usePlace } from './place.tsx';

type Found = { to: string; label: string; description?: string; icon: IconName };

/** Finds the areas and everything of the environment; a number is the action of that id. */
export default function CommandPalette() {
  const router = useRouter();
  const { environment } = usePlace();
  const [isOpen, setOpen] = useState(false);
  const [query, setQuery] = useState('');
  const { data: findable = [], isFetching } = useQuery({
    ...findableQuery(environment?.id ?? 0),
    enabled: isOpen && environment !== null,
  });
  const action = ({ to, label, description, icon }: Found): SpotlightActionData => ({
    id: to,
    label,
    ...(description ? { description } : {}),
    // "application shop" finds it too.
    keywords: description ? [description, `${description} ${label}`] : [],
    leftSection: <Icon name={icon} />,
    // Safe: what can be found is a page; the kinds of addresses are many.
    onClick: () => void router.navigate({ to: to as '/' }),
  });
  const number = /^#?(\d+)$/.exec(query.trim())?.[1];
  const kinds = [...new Set(findable.map(({ kind }) => kind))];
  return (
    <Spotlight
      shortcut="mod + K"
      query={query}
      onQueryChange={setQuery}
      onSpotlightOpen={() => setOpen(true)}
      onSpotlightClose={() => setOpen(false)}
      nothingFound={isFetching ? 'Looking…' : 'Nothing of that name in this environment'}
      limit={60}
      scrollable
      maxHeight={420}
      searchProps={{
        leftSection: <Icon name="search" />,
        placeholder: 'Find an application, pipeline, hook or action',
        'aria-label': 'Find',
      }}
      actions={[
        ...(number
          ? [
              {
                group: 'By number',
                actions: [action({ to: `/actions/${number}`, label: `Action ${number}`, icon: 'actions' })],
              },
            ]
          : []),
        { group: 'Go to', actions: areas.map(action) },
        ...kinds.map((kind) => ({
          group: `${kind}s`,
          actions: findable.filter((one) => one.kind === kind).map(action),
        })),
      ]}
    />
  );
}
