import type { Command } from 'commander';
import { HooklineError, testIncomingHook, triggerHook } from '#sdk';
import { withClient } from './context.ts';
import { CliFault, exitCodes } from './fault.ts';
import { followAction } from './follow.ts';
import {
  addPayloadOptions,
  payloadOf,
  readIncomingHook,
  signatureOf,
  type PayloadOptions,
} from './hook-payload.ts';
import { plain } from './io.ts';
import { showTryOut } from './try-out.ts';

/** What is more than an operation: trying a hook out, and sending it what its sender would send. */
export function addHookCommands(group: Command): void {
  addPayloadOptions(
    group
      .command('test')
      .argument('<hook>', 'id or name, of an incoming hook')
      .argument('[payload]', 'a file with the body, "-" for standard input; a sample of --event if left out')
      .description('show what a payload would yield, condition by condition, without running anything')
      .option('--request <id>', 'try a request again that the hook has received')
      .option('--query <text>', 'what stands behind the "?" of the address: env=prod'),
  )
    .addHelpText(
      'after',
      `
The program ends with 0 when the payload would start the pipeline, and with 6 when it would not.

Examples:
  $ hookline hooks test push payload.json
  $ hookline hooks test push --event tag --tag v1.2.0
  $ hookline hooks test push --request 01938f2c-7b1d-7c5a-9f3e-6a4b2c1d0e9f
  $ hookline hooks test push - -H "X-GitHub-Event: push" < payload.json`,
    )
    .action(
      (
        text: string,
        payload: string | undefined,
        options: PayloadOptions & { request?: string; query?: string },
        command: Command,
      ) =>
        withClient(command, async (context) => {
          const { client, out } = context;
          if (options.request !== undefined && (payload !== undefined || options.event !== undefined))
            throw new CliFault('With --request there is no other payload.', 'usage');
          const hook = await readIncomingHook(context, text);
          const sent =
            options.request === undefined ? await payloadOf(context, hook, payload, options) : null;
          const found = await testIncomingHook({
            client,
            path: { hook_id: hook.id },
            body: {
              ...(sent ? { body: sent.body, headers: sent.headers } : {}),
              ...(options.request === undefined ? {} : { hook_request_id: options.request }),
              ...(options.query === undefined ? {} : { query: options.query }),
            },
          });
          if (out.isJson) out.json(found);
          else await showTryOut(context, found, sent !== null && options.header === undefined);
          if (found.outcome !== 'accepted') context.setExitCode(exitCodes.notSucceeded);
        }),
    );
  addPayloadOptions(
    group
      .command('send')
      .argument('<hook>', 'id or name, of an incoming hook')
      .argument('[payload]', 'a file with the body, "-" for standard input; a sample of --event if left out')
      .description('sign a payload as the sender of a hook does, and send it there')
      .option(
        '--secret-stdin',
        'read the secret from standard input; else it is in HOOKLINE_HOOK_SECRET, or asked for',
      )
      .option('--follow', 'show the output of what it starts; the exit code tells how that ended')
      .option('--no-color', 'without the colours of the output'),
  )
    .addHelpText(
      'after',
      `
The secret of a hook is shown once, when it is made; "hookline hooks rotate-secret" makes another one. The program
ends with 0 when an action was started, and with 6 when the hook has decided otherwise.

Examples:
  $ hookline hooks send push --event push --branch main --follow
  $ HOOKLINE_HOOK_SECRET=$(cat secret.txt) hookline hooks send push --event tag --tag v1.2.0
  $ hookline hooks send push payload.json --secret-stdin < secret.txt`,
    )
    .action(
      (
        text: string,
        payload: string | undefined,
        options: PayloadOptions & { secretStdin?: boolean; follow?: boolean; color: boolean },
        command: Command,
      ) =>
        withClient(command, async (context) => {
          const { client, out } = context;
          if (options.secretStdin && payload === '-')
            throw new CliFault('Standard input can be read once only.', 'usage');
          const hook = await readIncomingHook(context, text);
          const { headers, body } = await payloadOf(context, hook, payload, options);
          const proof = hook.requires_secret ? await signatureOf(context, hook, body, options) : {};
          out.progress('Sending …');
          const answer = await triggerHook({
            client,
            path: { hook_id: hook.id },
            body,
            // What was signed is what is sent.
            bodySerializer: (sent: unknown) => String(sent),
            headers: { ...headers, ...proof },
          }).catch((error: unknown) => {
            // It is the hook that does not take it; who sends it is signed in, and has found the hook.
            if (error instanceof HooklineError && error.status >= 400 && error.status < 500)
              throw new CliFault(`The hook has refused it: ${error.message}`, 'notSucceeded');
            throw error;
          });
          const actionId = 'action_id' in answer ? answer.action_id : null;
          if (actionId !== null && options.follow)
            return await followAction(context, actionId, { colours: options.color });
          if (out.isJson) out.json(answer);
          else if (actionId !== null)
            out.line(`Action ${actionId} has started. Watch it: hookline actions watch ${actionId}`);
          else if ('message' in answer) {
            out.line(plain(answer.message));
            for (const fault of answer.errors ?? [])
              out.line(`  ${plain(`${fault.field}: ${fault.message}`)}`);
          } else out.json(answer);
          if (actionId === null && options.event !== 'ping') context.setExitCode(exitCodes.notSucceeded);
        }),
    );
}
