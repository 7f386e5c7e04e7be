import type { DraftStep } from './draft.ts';

/** Stands in the list for the moment at which a release goes live; steps are moved across it like across each other. */
export const activation = 'activation';
export type Row = DraftStep | typeof activation;

/** The steps as they are shown; with an activation those that run after it stand behind it. */
export function rowsOf(steps: DraftStep[], hasActivation: boolean): Row[] {
  if (!hasActivation) return steps;
  const isAfter = ({ afterActivation }: DraftStep) => afterActivation;
  return [...steps.filter((step) => !isAfter(step)), activation, ...steps.filter(isAfter)];
}

/** The steps of rows: whoever stands behind the activation runs after it. */
export function stepsOf(rows: Row[]): DraftStep[] {
  const place = rows.indexOf(activation);
  return rows.flatMap((row, index) => {
    if (row === activation) return [];
    const afterActivation = index > place;
    return [place === -1 || row.afterActivation === afterActivation ? row : { ...row, afterActivation }];
  });
}

/** With the row of `from` at the place of `to`; the others close up. */
export function moveRow(rows: Row[], from: number, to: number): Row[] {
  const row = rows[from];
  if (row === undefined || to < 0 || to >= rows.length) return rows;
  const others = rows.toSpliced(from, 1);
  return others.toSpliced(to, 0, row);
}
