import type { Logger } from 'pino';

type Mail = { to: string; subject: string; text: string };

/** Sends e-mail, where an SMTP address is configured. */
export type Mailer = {
  /** True when the mail server has taken it, false when not (which is logged), null when there is none to ask. */
  send(mail: Mail, log: Pick<Logger, 'warn'>): Promise<boolean | null>;
};

const timeoutMs = 10_000;

/** `url` is `smtp://` or `smtps://`, with a name and password if the server wants them. */
export function createMailer({ url, from }: { url: string | null; from: string }): Mailer {
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
      try {
        await transport.sendMail({ from, ...mail });
        return true;
      } catch (error) {
        // The text of the error may hold what the server said, never the password.
        log.warn({ err: error, to: mail.to }, 'an e-mail could not be sent');
        return false;
      } finally {
        transport.close();
      }
    },
  };
}
