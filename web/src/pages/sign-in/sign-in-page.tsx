import { Button, Container, Group, Paper, PasswordInput, Stack, TextInput, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { signIn } from '../../api/session.ts';
import { baseUrl } from '../../app/page.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Logo } from '../../shell/logo.tsx';

export function SignInPage() {
  const { to = '/' } = useSearch({ from: '/sign-in' });
  const router = useRouter();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const attempt = useMutation({
    mutationFn: () => signIn(email, password),
    // Only a path: an address of elsewhere in a link would lead away from here.
    onSuccess: () => router.history.push(baseUrl.pathname + (/^\/(?![/\\])/.test(to) ? to.slice(1) : '')),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    attempt.mutate();
  };
  return (
    <Container component="main" size={400} pt="15vh">
      <title>Sign in · Hookline</title>
      <Group mb="lg" gap="sm">
        <Logo />
        <Title order={1} size="h3">
          Sign in to Hookline
        </Title>
      </Group>
      <Paper withBorder p="lg" bg="var(--app-raised)">
        <form onSubmit={submit}>
          <Stack>
            <TextInput
              label="E-mail"
              type="email"
              name="email"
              autoComplete="username"
              required
              autoFocus
              value={email}
              onChange={(event) => setEmail(event.currentTarget.value)}
            />
            <PasswordInput
              label="Password"
              name="password"
              autoComplete="current-password"
              required
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
            />
            {attempt.error && <ErrorNotice error={attempt.error} />}
            <Button type="submit" loading={attempt.isPending}>
              Sign in
            </Button>
          </Stack>
        </form>
      </Paper>
    </Container>
  );
}
