import { Button, Group, Paper, PasswordInput, Select, Stack, TextInput, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState, type FormEvent, type ReactNode } from 'react';
import { HooklineError, updateUser, type UserMe, type UserUpdate } from '#sdk';
import { useMe } from '../../api/session.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { PagePending } from '../../components/page-pending.tsx';
import { fieldsOf, type Fields } from './form-button.tsx';
import { readAgain } from './settings-data.ts';

const languages = [
  { value: 'en', label: 'English' },
  { value: 'pt', label: 'Português' },
];

export function AccountPage() {
  const me = useMe();
  if (!me) return <PagePending />;
  return (
    <>
      <PageHeader title="Your account" id={me.id} />
      <Stack maw={520}>
        <Profile me={me} />
        <Section
          me={me}
          title="E-mail address"
          submit="Change the address"
          change={({ text }) => ({ email: text('email'), current_password: text('current_password') })}
          done="Your e-mail address is changed."
        >
          {(faults) => (
            <>
              <TextInput
                label="New e-mail address"
                name="email"
                type="email"
                autoComplete="email"
                placeholder={me.email}
                required
                error={faults['email']}
              />
              <CurrentPassword error={faults['current_password']} />
            </>
          )}
        </Section>
        <Section
          me={me}
          title="Password"
          submit="Change the password"
          change={({ text }) => ({ password: text('password'), current_password: text('current_password') })}
          done="Your password is changed. Other browsers are signed out."
        >
          {(faults) => (
            <>
              <CurrentPassword error={faults['current_password']} />
              <PasswordInput
                label="New password"
                name="password"
                autoComplete="new-password"
                required
                error={faults['password']}
              />
            </>
          )}
        </Section>
      </Stack>
    </>
  );
}

function Profile({ me }: { me: UserMe }) {
  return (
    <Section
      me={me}
      title="Name and language"
      submit="Save"
      change={({ text }) => {
        const language = text('language');
        return {
          name: text('name'),
          ...(language === 'en' || language === 'pt' ? { language } : {}),
        };
      }}
      done="Saved."
    >
      {(faults) => (
        <>
          <TextInput
            label="Name"
            name="name"
            autoComplete="name"
            defaultValue={me.name}
            required
            error={faults['name']}
          />
          <Select
            label="Language"
            description="Of what is sent to you. The dashboard is in English."
            name="language"
            data={languages}
            defaultValue={me.language}
            placeholder="Not chosen"
            allowDeselect={false}
          />
        </>
      )}
    </Section>
  );
}

function CurrentPassword({ error }: { error: string | undefined }) {
  return (
    <PasswordInput
      label="Your password now"
      name="current_password"
      autoComplete="current-password"
      required
      error={error}
    />
  );
}

/** One form of the account; its fields are empty again once it is done. */
function Section({
  me,
  title,
  submit,
  change,
  done,
  children,
}: {
  me: UserMe;
  title: string;
  submit: string;
  change: (fields: Fields) => UserUpdate;
  done: string;
  children: (faults: Record<string, string>) => ReactNode;
}) {
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const [times, setTimes] = useState(0);
  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await updateUser({
        path: { user_id: me.id },
        body: change(fieldsOf(new FormData(event.currentTarget))),
      });
      await readAgain('me');
      setTimes((before) => before + 1);
      notifications.show({ message: done, color: 'green' });
    } catch (fault) {
      setError(fault);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Paper withBorder p="md" bg="var(--app-raised)" component="section" aria-label={title}>
      <form key={times} onSubmit={(event) => void send(event)}>
        <Stack gap="sm">
          <Title order={2} size="h4">
            {title}
          </Title>
          {children(error instanceof HooklineError ? error.faultsByField : {})}
          {error !== null && <ErrorNotice error={error} />}
          <Group>
            <Button type="submit" loading={isBusy}>
              {submit}
            </Button>
          </Group>
        </Stack>
      </form>
    </Paper>
  );
}
