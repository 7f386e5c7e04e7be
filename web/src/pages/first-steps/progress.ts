import { useSearchState } from '../../components/use-search-state.ts';

/** What has been made so far, by its ids; it stands in the address, so that a reload goes on where one was. */
const begin = { application: '', pipeline: '', hook: '', status: '' };

export function useProgress() {
  return useSearchState(begin);
}
