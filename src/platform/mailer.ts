import type { Logger } from 'pino';
import type { Clock } from './clock.ts';

type Mail = { to: string; subject: string; text: string };

/** Sends e-mail, where an SMTP address is configured. */
export type Mailer = {
  /** True when the mail server has taken it, false when not (which is logged), null when there is none to ask. */
  send(mail: Mail, log: Pick<Logger, 'warn'>): Promise<boolean | null>;
};

/** Whoever waits for an answer waits no longer than this, whatever the mail server does. */
const timeoutMs = 10_000;

/** `url` is `smtp://` or `smtps://`, with a name and password if the server wants them. */
export function createMailer({
  url,
  from,
  clock,
}: {
  url: string | null;
  from: string;
  clock: Clock;
}): Mailer {
  return {
    async send(mail, log) {
      if (url === null) return null;
      // Loaded when the first mail is sent: most installations send none.
      const { createTransport } = await import('nodemailer');
      const transport = createTransport({
        url,
        connectionTimeout: timeoutMs,
        greetingTimeout: timeoutMs,
        socketTimeout: timeoutMs,
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      const settled = new AbortController();
      const late = new AbortController();
      // The timeouts of the transport are for each silence: a server that drips its answers never comes to them.
      void clock.sleep(timeoutMs, settled.signal).then(() => {
        if (!settled.signal.aborted) late.abort(new Error('the mail server takes too long'));
      });
      try {
        // An address as it is: in a text, a comma or a bracket of it would make it several or another.
        const to = { name: '', address: mail.to };
        await transport.sendMail({ from, ...mail, to, signal: late.signal });
        return true;
      } catch (error) {
        // The text of the error may hold what the server said, never the password.
        log.warn({ err: error, to: mail.to }, 'an e-mail could not be sent');
        return false;
      } finally {
        settled.abort();
        transport.close();
      }
    },
  };
}
