import { Button, Group, Modal, Stack, Text, TextInput, type ButtonProps } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState, type ReactNode } from 'react';
import { ErrorNotice } from './error-notice.tsx';

type Props = ButtonProps & {
  children: ReactNode;
  /** The question: "Delete the pipeline Deploy?" */
  title: string;
  /** What will be lost. */
  warning: ReactNode;
  /** The word of the button that does it, such as "Delete". */
  confirm: string;
  /** Has to be typed before; for what cannot be made again. */
  typed?: string;
  /** The window closes when it is done, and shows why when it is not. */
  onConfirm: () => Promise<unknown>;
};

/** A button that asks before something is lost. */
export function ConfirmButton({ children, title, warning, confirm, typed, onConfirm, ...button }: Props) {
  const [isOpen, window] = useDisclosure(false);
  const [text, setText] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const open = () => {
    setText('');
    setError(null);
    window.open();
  };
  const act = async () => {
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      window.close();
    } catch (fault) {
      setError(fault);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button variant="default" {...button} onClick={open}>
        {children}
      </Button>
      <Modal opened={isOpen} onClose={window.close} title={title} centered>
        <Stack>
          <Text component="div">{warning}</Text>
          {typed !== undefined && (
            <TextInput
              label={`Type ${typed} to go on`}
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
            />
          )}
          {error !== null && <ErrorNotice error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={window.close} data-autofocus>
              Keep it as it is
            </Button>
            <Button
              color="red"
              loading={isBusy}
              disabled={typed !== undefined && text !== typed}
              onClick={() => void act()}
            >
              {confirm}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
