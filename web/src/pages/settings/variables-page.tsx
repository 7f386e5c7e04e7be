import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { listEnvironmentApplications, listEnvironmentServers, pages } from '#sdk';
import { collect } from '../../api/lists.ts';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { PagePending } from '../../components/page-pending.tsx';
import { useSearchState } from '../../components/use-search-state.ts';
import { usePlace } from '../../shell/place.tsx';
import { VariablesPanel, type VariableOwner } from './variables-panel.tsx';

export function VariablesPage() {
  const { environment, isPending } = usePlace();
  const [{ of }, setSearch] = useSearchState({ of: '' });
  const environmentId = environment?.id ?? 0;
  const owners = useQuery({
    queryKey: ['variable-owners', environmentId],
    enabled: environment !== null,
    queryFn: async ({ signal }) => {
      const path = { environment_id: environmentId };
      const [applications, servers] = await Promise.all([
        collect(pages(listEnvironmentApplications, { path, signal })),
        collect(pages(listEnvironmentServers, { path, signal })),
      ]);
      return {
        applications: applications.map(({ id, name }) => ({ value: `application-${id}`, label: name })),
        servers: servers.map(({ id, name }) => ({ value: `server-${id}`, label: name })),
      };
    },
  });
  const { applications = [], servers = [] } = owners.data ?? {};
  const known = [...applications, ...servers];
  // An address may name what belongs to another environment.
  const elsewhere =
    /^(application|server)-\d+$/.test(of) && !known.some(({ value }) => value === of)
      ? [{ value: of, label: of.replace('-', ' ') }]
      : [];
  const all = [...elsewhere, ...known];
  const chosen = all.find(({ value }) => value === of) ?? all[0];
  return (
    <>
      <PageHeader
        title="Variables"
        description="Environment variables of the steps that run for an application or on a server. Values are stored encrypted."
      />
      {owners.error ? (
        <ErrorNotice error={owners.error} onRetry={() => void owners.refetch()} />
      ) : isPending || (environment && owners.isPending) ? (
        <PagePending />
      ) : chosen ? (
        <VariablesPanel key={chosen.value} owner={ownerOf(chosen.value)}>
          <Select
            label="Variables of"
            w={{ base: 300, sm: 320 }}
            searchable
            allowDeselect={false}
            data={[
              { group: 'Elsewhere', items: elsewhere },
              { group: 'Applications', items: applications },
              { group: 'Servers', items: servers },
            ].filter(({ items }) => items.length > 0)}
            value={chosen.value}
            onChange={(value) => value && setSearch({ of: value })}
          />
        </VariablesPanel>
      ) : (
        <EmptyState
          icon="pen"
          title="Nothing here that has variables"
          text="Variables belong to an application or a server. Add one of them first."
        />
      )}
    </>
  );
}

function ownerOf(value: string): VariableOwner {
  const [type, id] = value.split('-');
  return { resource_type: type === 'server' ? 'server' : 'application', resource_id: Number(id) };
}
