import { Button, Group, Modal, Radio, Select, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { addTeamInvitation, type Invitation, type TeamRelation } from '#sdk';
import { CopyField } from '../../components/copy.tsx';
import { FormButton } from './form-button.tsx';
import { readAgain } from './settings-data.ts';

/** Invites somebody to one of the teams; the link is shown once. */
export function InviteButton({ teams, chosen }: { teams: TeamRelation[]; chosen?: number }) {
  const [made, setMade] = useState<Invitation | null>(null);
  return (
    <>
      <FormButton
        label="Invite somebody"
        button={{ variant: 'filled', disabled: teams.length === 0 }}
        title="Invite somebody"
        submit="Invite"
        onSubmit={async ({ text }) => {
          const email = text('email').trim();
          const invitation = await addTeamInvitation({
            path: { team_id: chosen ?? Number(text('team_id')) },
            body: email ? { type: 'private', email } : { type: 'public' },
          });
          await readAgain('invitations');
          setMade(invitation);
        }}
      >
        {(faults) => <InviteFields teams={teams} chosen={chosen} faults={faults} />}
      </FormButton>
      <Modal
        opened={made !== null}
        onClose={() => setMade(null)}
        title="The invitation"
        centered
        closeOnClickOutside={false}
      >
        {made && (
          <Stack>
            <Text size="sm">
              {made.email_sent
                ? `It was sent to ${made.email}. You can hand the link over yourself as well.`
                : `Hand this link over${made.email ? ` to ${made.email}` : ''}: no mail was sent.`}{' '}
              It is shown this once and works for a week.
            </Text>
            <CopyField label="Link of the invitation" value={made.public_accept_url ?? ''} />
            <Group justify="flex-end">
              <Button onClick={() => setMade(null)}>I have it</Button>
            </Group>
          </Stack>
        )}
      </Modal>
    </>
  );
}

function InviteFields({
  teams,
  chosen,
  faults,
}: {
  teams: TeamRelation[];
  chosen: number | undefined;
  faults: Record<string, string>;
}) {
  const [type, setType] = useState('private');
  return (
    <>
      {chosen === undefined && (
        <Select
          label="Team"
          name="team_id"
          required
          allowDeselect={false}
          data={teams.map(({ id, name }) => ({ value: String(id), label: name }))}
          defaultValue={teams[0] ? String(teams[0].id) : null}
        />
      )}
      <Radio.Group label="Who may use it" value={type} onChange={setType}>
        <Stack gap="xs" mt="xs">
          <Radio value="private" label="One person, once" />
          <Radio value="public" label="Everybody who has the link" />
        </Stack>
      </Radio.Group>
      {type === 'private' && (
        <TextInput
          label="E-mail address"
          name="email"
          type="email"
          required
          data-autofocus
          error={faults['email']}
        />
      )}
    </>
  );
}
