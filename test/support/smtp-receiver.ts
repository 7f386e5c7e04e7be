import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export type ReceivedMail = {
  /** Who it was for, as the envelope says, whatever the headers claim. */
  recipients: string[];
  /** Headers and body as they came over the wire. */
  raw: string;
};

export type SmtpReceiver = {
  port: number;
  mails: readonly ReceivedMail[];
  close(): Promise<void>;
};

/**
 * A real mail server on 127.0.0.1 without encryption. With `account` it takes mail from whoever signs in so;
 * `refusesRecipients` answers each recipient 550.
 */
export async function startSmtpReceiver(
  options: { account?: { user: string; password: string }; refusesRecipients?: boolean } = {},
): Promise<SmtpReceiver> {
  const { account, refusesRecipients } = options;
  const mails: ReceivedMail[] = [];
  const server = new SMTPServer({
    logger: false,
    disabledCommands: ['STARTTLS'],
    authOptional: !account,
    allowInsecureAuth: true,
    onAuth({ username, password }, _session, done) {
      if (username === account?.user && password === account?.password) done(null, { user: username });
      else done(Object.assign(new Error('Who are you?'), { responseCode: 535 }));
    },
    onRcptTo(_address, _session, done) {
      done(refusesRecipients ? Object.assign(new Error('Nobody here'), { responseCode: 550 }) : null);
    },
    onData(stream, { envelope }, done) {
      const recipients = envelope.rcptTo.map(({ address }) => address);
      let raw = '';
      stream.setEncoding('utf8');
      stream.on('data', (part: string) => (raw += part));
      stream.on('end', () => {
        mails.push({ recipients, raw });
        done();
      });
    },
  });
  // A client that goes away in the middle is no fault of the test.
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  // Safe: it listens on a port.
  const { port } = server.server.address() as AddressInfo;
  return { port, mails, close: () => new Promise((resolve) => void server.close(() => resolve())) };
}
