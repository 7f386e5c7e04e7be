import { useDebouncedValue } from '@mantine/hooks';
import { Spotlight, useSpotlight, type SpotlightActionData } from '@mantine/spotlight';
import { useQuery } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { findableQuery, foundQuery, type Findable } from '../api/findable.ts';
import { Icon, type IconName } from '../components/icon.tsx';
import { areas } from './areas.ts';
import { choosePaletteFirst, paletteStore } from './palette-store.ts';
import { usePlace } from './place.tsx';

type Found = { to: string; label: string; description?: string; icon: IconName };

/** So many of each kind are shown; whoever wants another one types more of its name. */
const mostOfKind = 12;
/** How long after the last key the server is asked. */
const pauseMs = 150;

/** Finds the areas and everything of the environment; a number is the action of that id. */
export default function CommandPalette() {
  const router = useRouter();
  const { environment } = usePlace();
  const { opened: isOpen } = useSpotlight(paletteStore);
  const [query, setQuery] = useState('');
  const text = query.trim();
  const [asked] = useDebouncedValue(text, pauseMs);
  const environmentId = environment?.id ?? 0;
  const isReady = isOpen && environment !== null;
  const known = useQuery({ ...findableQuery(environmentId), enabled: isReady });
  const found = useQuery({ ...foundQuery(environmentId, asked), enabled: isReady && asked.length > 1 });

  const words = text.toLowerCase().split(/\s+/);
  const fits = ({ label, description = '' }: Found) =>
    words.every((word) => `${label} ${description}`.toLowerCase().includes(word));
  const matching = (known.data ?? []).filter(fits);
  // What the server finds by a reason or a branch does not show it in its name. What it has found for another text is
  // shown meanwhile as far as it fits this one.
  const isAnswer = text === asked && text.length > 1 && !found.isPlaceholderData;
  const more = isAnswer ? (found.data ?? []) : (found.data ?? []).filter(fits);
  const shown = new Set(matching.map(({ to }) => to));
  const all = [...matching, ...more.filter(({ to }) => !shown.has(to))];

  const action = ({ to, label, description, icon }: Found): SpotlightActionData => ({
    id: to,
    label,
    ...(description ? { description } : {}),
    leftSection: <Icon name={icon} />,
    // Safe: what can be found is a page; the kinds of addresses are many.
    onClick: () => void router.navigate({ to: to as '/' }),
  });
  const number = /^#?(\d+)$/.exec(text)?.[1];
  const kinds: Findable['kind'][] = ['Application', 'Pipeline', 'Hook', 'Server', 'Action'];
  const isNamed = (kind: Findable['kind']) =>
    all.some((one) => one.kind === kind && words.every((word) => one.label.toLowerCase().includes(word)));
  const groups = [
    {
      group: 'By number',
      actions:
        number && !all.some(({ to }) => to === `/actions/${number}`)
          ? [action({ to: `/actions/${number}`, label: `Action ${number}`, icon: 'actions' })]
          : [],
    },
    { group: 'Go to', actions: areas.filter(fits).map(action) },
    // Before the pipelines of an application comes what is called like it.
    ...[...kinds.filter(isNamed), ...kinds.filter((kind) => !isNamed(kind))].map((kind) => ({
      group: `${kind}s`,
      actions: all
        .filter((one) => one.kind === kind)
        .slice(0, mostOfKind)
        .map(action),
    })),
  ];
  const shownIds = groups.flatMap(({ actions }) => actions.map(({ id }) => id)).join(' ');
  useEffect(() => {
    // What arrives later than the last key can be the first as well.
    if (isOpen && text !== '') choosePaletteFirst();
  }, [isOpen, text, shownIds]);
  const isLooking = known.isFetching || found.isFetching || text !== asked;
  return (
    <Spotlight
      store={paletteStore}
      shortcut={null}
      query={query}
      onQueryChange={setQuery}
      nothingFound={isLooking ? 'Looking…' : 'Nothing like it in this environment'}
      scrollable
      maxHeight={420}
      searchProps={{
        leftSection: <Icon name="search" />,
        placeholder: 'Find an application, pipeline, hook or action',
        'aria-label': 'Find',
      }}
      filter={(_, given) => given}
      actions={groups.filter(({ actions }) => actions.length > 0)}
    />
  );
}
