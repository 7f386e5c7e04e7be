import { Container } from '@mantine/core';
import type { ErrorComponentProps } from '@tanstack/react-router';
import { useRouter } from '@tanstack/react-router';
import { ErrorNotice } from './error-notice.tsx';

/** In place of a page that cannot be shown. */
export function PageFault({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const retry = () => {
    reset();
    void router.invalidate();
  };
  return (
    <Container py="xl">
      <ErrorNotice error={error} onRetry={retry} />
    </Container>
  );
}
