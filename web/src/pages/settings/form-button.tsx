import { Button, Group, Modal, Stack, type ButtonProps, type ModalProps } from '@mantine/core';
import { useState, type FormEvent, type ReactNode } from 'react';
import { HooklineError } from '#sdk';
import { ErrorNotice } from '../../components/error-notice.tsx';

/** What the fields of a form hold, by their names. */
export type Fields = {
  text: (name: string) => string;
  /** Null for an empty field. */
  optional: (name: string) => string | null;
  checked: (name: string) => boolean;
  all: (name: string) => string[];
};

type FormProps = {
  title: string;
  /** The word of the button that sends it. */
  submit: string;
  /** The window closes when it is done, and shows why when it is not. */
  onSubmit: (fields: Fields) => Promise<unknown>;
  size?: ModalProps['size'];
  /** The fields, each with its `name`; `faults` are the server's sentences about them, by the names of the API. */
  children: (faults: Record<string, string>) => ReactNode;
};

/** A button that opens a window with a form. */
export function FormButton({
  label,
  button,
  ...form
}: FormProps & { label: ReactNode; button?: ButtonProps & { 'aria-label'?: string } }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button variant="default" {...button} onClick={() => setOpen(true)}>
        {label}
      </Button>
      <FormModal {...form} opened={isOpen} onClose={() => setOpen(false)} />
    </>
  );
}

function FormModal({
  opened,
  onClose,
  title,
  size = 'md',
  ...form
}: FormProps & { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title={title} size={size} centered>
      <Form {...form} onClose={onClose} />
    </Modal>
  );
}

/** Drawn anew each time that the window opens, so that nothing typed stays behind. */
function Form({
  submit,
  onSubmit,
  onClose,
  children,
}: Omit<FormProps, 'title' | 'size'> & { onClose: () => void }) {
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await onSubmit(fieldsOf(new FormData(event.currentTarget)));
      onClose();
    } catch (fault) {
      setError(fault);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void send(event)}>
      <Stack>
        {children(error instanceof HooklineError ? error.faultsByField : {})}
        {error !== null && <ErrorNotice error={error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={isBusy}>
            {submit}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

export function fieldsOf(data: FormData): Fields {
  const text = (name: string) => {
    const value = data.get(name);
    return typeof value === 'string' ? value : '';
  };
  return {
    text,
    optional: (name) => text(name).trim() || null,
    checked: (name) => data.get(name) !== null,
    all: (name) => data.getAll(name).filter((value) => typeof value === 'string'),
  };
}
