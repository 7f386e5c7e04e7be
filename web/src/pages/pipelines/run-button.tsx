import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { lazy, Suspense } from 'react';
import { Icon } from '../../components/icon.tsx';
import type { RunTarget } from './run-dialog.tsx';

const RunDialog = lazy(() => import('./run-dialog.tsx'));

/** Opens the window in which a run is started by hand. */
export function RunButton({ label = 'Run now', ...target }: RunTarget & { label?: string }) {
  const [isOpen, dialog] = useDisclosure(false);
  return (
    <>
      <Button leftSection={<Icon name="play" />} onClick={dialog.open}>
        {label}
      </Button>
      <Suspense>{isOpen && <RunDialog {...target} label={label} onClose={dialog.close} />}</Suspense>
    </>
  );
}
