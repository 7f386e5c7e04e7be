import { useLocalStorage } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { createContext, use, type ReactNode } from 'react';
import type { EnvironmentRelation } from '#sdk';
import { environmentsQuery } from '../api/places.ts';

type Place = {
  /** Null while it is read, and for who may see none. */
  environment: EnvironmentRelation | null;
  environments: EnvironmentRelation[];
  isPending: boolean;
  error: Error | null;
  choose: (environmentId: number) => void;
};

const PlaceContext = createContext<Place | null>(null);

/** The environment that the pages show, kept in this browser. */
export function PlaceProvider({ children }: { children: ReactNode }) {
  const [chosen, choose] = useLocalStorage<number | null>({
    key: 'hookline-environment',
    defaultValue: null,
    getInitialValueInEffect: false,
  });
  const { data: environments = [], isPending, error } = useQuery(environmentsQuery);
  // Until one is chosen, the first that there was: one that somebody adds must not change what is shown.
  const first = environments.toSorted((a, b) => a.id - b.id)[0];
  const environment = environments.find(({ id }) => id === chosen) ?? first ?? null;
  return (
    <PlaceContext value={{ environment, environments, isPending, error, choose }}>{children}</PlaceContext>
  );
}

export function usePlace(): Place {
  const place = use(PlaceContext);
  if (!place) throw new Error('usePlace outside of PlaceProvider');
  return place;
}
