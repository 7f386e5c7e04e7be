import { createHmac } from 'node:crypto';
import { step, type StepInput, type Walk } from './openapi-scenario-step.ts';

type Action = { id: number; status: string; targets: { id: number }[] };
type Delivery = { status: string; attempts: number };
type IncomingHook = { id: string; secret: string };
type Records = { id: string; outcome: string; response_status_code: number }[];

const application = ({ id }: Walk) => ({ application_id: id('addEnvironmentApplication') });
const server = ({ id }: Walk) => ({ server_id: id('addEnvironmentServer') });
const pipeline = ({ id }: Walk) => ({ pipeline_id: id('addPipeline') });
const recoveryOf = ({ id }: Walk) => ({
  hook_id: id('refused hook'),
  recovery_id: id('recovery of the refused hook'),
});
const hasEnded = ({ status }: Action) => ['completed', 'failed'].includes(status);

/** A push as GitHub sends it, signed with the secret that the hook was answered with. */
function push({ answer }: Walk, ref: string): StepInput {
  const hook = answer<IncomingHook>('addPipelineHook');
  const body = { ref, after: '7fd1a60b01f91b314f59955a4e4d4e80d8edf11d', commits: [{ id: '7fd1a60' }] };
  const signature = createHmac('sha256', hook.secret).update(JSON.stringify(body)).digest('hex');
  return {
    path: { hook_id: hook.id },
    body,
    headers: { 'x-github-event': 'push', 'x-hub-signature-256': `sha256=${signature}` },
  };
}

const serverCalls = ['getStatusServer', 'startServer', 'stopServer', 'restartServer'];

/** A source that is deployed twice, and the first release live again. */
const deployment = [
  step(
    'addEnvironmentApplication',
    ({ id, repositoryUrl }) => ({
      path: { environment_id: id('addProjectEnvironment') },
      body: { name: 'deployed', repository: repositoryUrl, build_command: 'ls' },
    }),
    'deployed application',
  ),
  step(
    'addPipeline',
    ({ id }) => ({
      path: { resource_type: 'application', resource_id: id('deployed application') },
      body: {
        name: 'Deploy the source',
        operation: 'deploy',
        when_waiting: 'replace',
        timeout_seconds: 600,
        steps: [{ command: 'true', after_activation: true, timeout_seconds: 60 }],
      },
    }),
    'deploying pipeline',
  ),
  step('getPipeline', ({ id }) => ({ path: { pipeline_id: id('deploying pipeline') } }), 'default steps'),
  ...['first', 'second'].flatMap((which) => [
    step(
      'addApplicationDeployment',
      ({ id }) => ({ path: { application_id: id('deployed application') }, body: { type: 'deploy' } }),
      `${which} deployment`,
    ),
    step(
      'getAction',
      ({ actionOf }) => ({ path: { action_id: actionOf(`${which} deployment`) } }),
      `${which} deployed`,
    ),
    step(
      'listApplicationReleases',
      async ({ id, until }) => {
        await until<Action>(`${which} deployed`, hasEnded);
        return { path: { application_id: id('deployed application') } };
      },
      which === 'first' ? 'listApplicationReleases' : 'two releases',
    ),
  ]),
  step('rollbackApplication', ({ id }) => ({
    path: { application_id: id('deployed application') },
    body: { trigger_comment: 'The second one is slow' },
  })),
];

/** Pipelines, hooks, actions, and the records of what was received and sent. */
export const runSteps = {
  making: [
    step('addPipeline', ({ id }) => ({
      path: { resource_type: 'application', resource_id: id('addEnvironmentApplication') },
      body: {
        name: 'Deploy the shop',
        operation: 'deploy',
        default_steps: false,
        max_parallel_actions: 0,
        steps: [
          { name: 'Build', description: 'Installs and builds.', command: 'echo built', runner: 'custom' },
        ],
      },
    })),
    step(
      'addPipeline',
      ({ id }) => ({
        path: { resource_type: 'application', resource_id: id('addEnvironmentApplication') },
        body: { name: 'Failing', operation: 'stop', steps: [{ command: 'exit 3' }, { command: 'true' }] },
      }),
      'failing pipeline',
    ),
    step(
      'addPipeline',
      ({ id }) => ({
        path: { resource_type: 'application', resource_id: id('spare application') },
        body: { name: 'Reload the blog', operation: 'reload', steps: [{ command: 'true' }] },
      }),
      'pipeline of the blog',
    ),
    step(
      'addPipeline',
      ({ id }) => ({
        path: { resource_type: 'application', resource_id: id('spare application') },
        body: { name: 'Slow', operation: 'restart', steps: [{ command: 'sleep 300' }] },
      }),
      'slow pipeline',
    ),
    step(
      'addPipeline',
      ({ id }) => ({
        path: { resource_type: 'server', resource_id: id('addEnvironmentServer') },
        body: { name: 'Configure', operation: 'configure' },
      }),
      'spare pipeline',
    ),
    step('listPipelinesByResourceType', ({ id }) => ({
      path: { resource_type: 'server', resource_id: id('addEnvironmentServer') },
    })),
    step('listEnvironmentPipelines', ({ id }) => ({
      path: { environment_id: id('addProjectEnvironment') },
    })),
    step('addPipelineStep', (walk) => ({
      path: pipeline(walk),
      body: { name: 'Restart', command: 'echo restarted' },
    })),
    step('addPipelineStep', (walk) => ({ path: pipeline(walk), body: { command: 'true' } }), 'spare step'),
    step('updatePipelineStep', (walk) => ({
      path: { ...pipeline(walk), step_id: walk.id('spare step') },
      body: { command: 'echo first', trigger_after: 0 },
    })),
    step('unlinkStepFromPipeline', (walk) => ({
      path: { ...pipeline(walk), step_id: walk.id('spare step') },
    })),
    step('linkStepToPipeline', (walk) => ({
      path: { pipeline_id: walk.id('failing pipeline'), step_id: walk.id('addPipelineStep') },
    })),
    step('updatePipeline', (walk) => ({ path: pipeline(walk), body: { max_parallel_actions: 2 } })),
    step('getPipeline', (walk) => ({ path: pipeline(walk) })),

    step('addPipelineHook', (walk) => ({
      path: { ...pipeline(walk), hook_type: 'incoming' },
      body: {
        name: 'The shop on GitHub',
        requires_secret: true,
        secret_algorithm: 'sha256',
        secret_header_name: 'x-hub-signature-256',
        settings: {
          variables: [
            { name: 'source_ref', path: 'ref', type: 'string', required: true },
            { name: 'commit_hash', path: 'after' },
            { name: 'attempt', type: 'integer', required: false, default_value: 1 },
            { name: 'dry', type: 'boolean', required: false, default_value: false },
            { name: 'commits', type: 'array', required: false, default_value: [] },
            { name: 'event', path: '$headers.x-github-event', required: false, default_value: null },
          ],
        },
        trigger_when: {
          conditions: [
            { name: 'main', type: 'request_body', path: 'ref', accepted_values: ['refs/heads/main'] },
            { type: 'request_header', path: 'x-github-event', accepted_values: ['push'] },
            { type: 'variable', path: 'attempt', accepted_values: [1, true] },
          ],
        },
      },
    })),
    step(
      'addPipelineHook',
      (walk) => ({
        path: { ...pipeline(walk), hook_type: 'outgoing' },
        body: {
          name: 'Status on GitHub',
          target_url: `${walk.receiverUrl}/statuses/{{ action.id }}`,
          verify_ssl: true,
          settings: {
            request_headers: [
              { name: 'Authorization', value: 'Bearer {{ application.source_provider.access_token }}' },
            ],
            request_body: { state: '{{ action.status | commit_state: "github" }}', id: '{{ action.id }}' },
          },
          trigger_when: {
            events: ['action.started', 'action.completed', 'action.failed'],
            conditions: [{ path: 'action.type', accepted_values: ['deploy', 1, true] }],
          },
        },
      }),
      'outgoing hook',
    ),
    step('addHook', ({ id }) => ({
      path: { hook_type: 'incoming' },
      body: {
        name: 'Older form',
        resource_type: 'application',
        resource_id: id('addEnvironmentApplication'),
        action_type: 'deploy',
        requires_secret: false,
      },
    })),
    step(
      'addHook',
      ({ id, receiverUrl }) => ({
        path: { hook_type: 'outgoing' },
        body: {
          name: 'Servers in the chat',
          target_url: `${receiverUrl}/chat`,
          resource_type: 'server',
          resource_id: id('addEnvironmentServer'),
          action_type: 'get_status',
          settings: { request_body: ['{{ action.status }}'] },
        },
      }),
      'outgoing hook of the server',
    ),
    step(
      'addPipelineHook',
      (walk) => ({
        path: { ...pipeline(walk), hook_type: 'outgoing' },
        body: { name: 'Nobody there', target_url: 'http://127.0.0.1:1/', settings: { request_body: 'done' } },
      }),
      'unanswered hook',
    ),
    step(
      'addPipelineHook',
      (walk) => ({
        path: { ...pipeline(walk), hook_type: 'outgoing' },
        body: {
          name: 'Into the private network',
          target_url: 'http://10.0.0.1/',
          trigger_when: { events: ['action.completed'] },
        },
      }),
      'refused hook',
    ),
    step(
      'addPipelineHook',
      (walk) => ({
        path: { ...pipeline(walk), hook_type: 'outgoing' },
        body: {
          preset: 'slack-message',
          target_url: `${walk.receiverUrl}/slack`,
          trigger_when: { events: ['hook.disabled'] },
        },
      }),
      'hook from a preset',
    ),
    step(
      'addPipelineHook',
      (walk) => ({
        path: { ...pipeline(walk), hook_type: 'incoming' },
        body: { name: 'Inactive', requires_secret: false, active: false },
      }),
      'inactive hook',
    ),
    step(
      'addPipelineHook',
      (walk) => ({
        path: { ...pipeline(walk), hook_type: 'incoming' },
        body: {
          name: 'Demanding',
          requires_secret: false,
          settings: { variables: [{ name: 'text' }, { name: 'count', type: 'integer' }] },
        },
      }),
      'demanding hook',
    ),
    step(
      'addPipeline',
      ({ id }) => ({
        path: { resource_type: 'application', resource_id: id('application on our own GitHub') },
        body: { name: 'Deploy the wiki', operation: 'deploy' },
      }),
      'pipeline of the wiki',
    ),
    step(
      'addPipelineHook',
      ({ id }) => ({
        path: { pipeline_id: id('pipeline of the wiki'), hook_type: 'incoming' },
        body: { name: 'The wiki on GitHub', requires_secret: true },
      }),
      'hook of the wiki',
    ),
    step('installIncomingHook', ({ id }) => ({
      path: { hook_id: id('hook of the wiki') },
      body: { events: ['push', 'tag'] },
    })),
    step(
      'installIncomingHook',
      ({ id }) => ({ path: { hook_id: id('hook of the wiki') } }),
      'hook of the wiki installed again',
    ),
    step(
      'getHook',
      ({ id }) => ({ path: { hook_type: 'incoming', hook_id: id('hook of the wiki') } }),
      'installed hook',
    ),
    step('listPipelineHooks', (walk) => ({ path: pipeline(walk) })),
    step('listEnvironmentHooks', ({ id }) => ({ path: { environment_id: id('addProjectEnvironment') } })),
    step('listApplicationHooks', (walk) => ({ path: application(walk) })),
    step('listServerHooks', (walk) => ({ path: server(walk) })),
    step('getHook', ({ id }) => ({ path: { hook_type: 'incoming', hook_id: id('addPipelineHook') } })),
    step(
      'getHook',
      ({ id }) => ({ path: { hook_type: 'outgoing', hook_id: id('outgoing hook') } }),
      'read outgoing hook',
    ),
    step('updateHook', ({ id }) => ({
      path: { hook_type: 'outgoing', hook_id: id('outgoing hook') },
      body: { verify_ssl: false },
    })),
    step(
      'updateHook',
      ({ id }) => ({
        path: { hook_type: 'incoming', hook_id: id('addPipelineHook') },
        body: { name: 'Deploy on push' },
      }),
      'change of the incoming hook',
    ),

    step('triggerHook', (walk) => push(walk, 'refs/heads/main')),
    step('triggerHook', (walk) => push(walk, 'refs/heads/other'), 'push to another branch'),
    step('getAction', ({ answer }) => ({
      path: { action_id: answer<{ action_id: number }>('triggerHook').action_id },
    })),
    step('getActionLog', async ({ until }) => {
      const action = await until<Action>('getAction', hasEnded);
      return { path: { action_id: action.id, target_id: action.targets[0]!.id, order: 1 } };
    }),
    step('listHookRequestsByHookType', ({ id }) => ({
      path: { hook_type: 'incoming', hook_id: id('addPipelineHook') },
    })),
    step('getHookRequest', ({ answer }) => ({
      path: { hook_request_id: answer<{ hook_request_id: string }>('triggerHook').hook_request_id },
    })),
    step(
      'listHookRequestsByHookType',
      ({ id }) => ({ path: { hook_type: 'outgoing', hook_id: id('outgoing hook') } }),
      'sent requests',
    ),
    step(
      'getHookRequest',
      async ({ until }) => {
        const [sent] = await until<Records>('sent requests', (records) => records.length > 0);
        return { path: { hook_request_id: sent!.id } };
      },
      'sent request',
    ),
    step(
      'listHookRequestsByHookType',
      ({ id }) => ({ path: { hook_type: 'outgoing', hook_id: id('unanswered hook') } }),
      'unanswered requests',
    ),
    step(
      'getHookRequest',
      async ({ until }) => {
        const [sent] = await until<Records>('unanswered requests', (records) => records.length > 0);
        return { path: { hook_request_id: sent!.id } };
      },
      'unanswered request',
    ),
    step('testIncomingHook', ({ id }) => ({
      path: { hook_id: id('addPipelineHook') },
      body: { body: { ref: 'refs/heads/main' }, hook: { trigger_when: { conditions: [] } } },
    })),
    step(
      'testIncomingHook',
      ({ id }) => ({ path: { hook_id: id('addPipelineHook') } }),
      'last request tried again',
    ),
    step('getEnvironmentOverview', ({ id }) => ({
      path: { environment_id: id('addProjectEnvironment') },
    })),
    step('streamEnvironmentEvents', ({ id }) => ({
      path: { environment_id: id('addProjectEnvironment') },
      query: { since: '2026-01-01T00:00:00.000Z', kinds: 'action,delivery', follow: false },
    })),
    step('listenToOutgoingHook', ({ id }) => ({
      path: { hook_id: id('outgoing hook') },
      query: { after: 0, follow: false },
    })),
    step('testOutgoingHook', ({ id }) => ({ path: { hook_id: id('outgoing hook') } })),
    step('previewOutgoingHookChange', ({ id }) => ({
      path: { hook_id: id('outgoing hook') },
      body: {
        hook: { settings: { request_body: { state: '{{ action.statsu }}' } } },
        event: 'action.failed',
      },
    })),
    step('previewNewIncomingHook', (walk) => ({
      path: pipeline(walk),
      body: { hook: { preset: 'github' } },
    })),
    step('previewNewOutgoingHook', (walk) => ({
      path: pipeline(walk),
      body: { hook: { preset: 'generic', target_url: 'https://example.com/' } },
    })),
    step('replayHookRequest', ({ answer }) => ({
      path: { hook_request_id: answer<{ hook_request_id: string }>('triggerHook').hook_request_id },
    })),
    step(
      'replayHookRequest',
      ({ answer }) => ({ path: { hook_request_id: answer<Records>('sent requests')[0]!.id } }),
      'sent request again',
    ),
    step('recoverOutgoingHook', ({ id }) => ({
      path: { hook_id: id('outgoing hook') },
      body: { since: '2026-01-01T00:00:00.000Z' },
    })),
    step('listOutgoingHookDeliveries', ({ id }) => ({ path: { hook_id: id('outgoing hook') } })),
    step(
      'listOutgoingHookDeliveries',
      ({ id }) => ({ path: { hook_id: id('refused hook') }, query: { status: 'rejected' } }),
      'refused deliveries',
    ),
    step('redeliverOutgoingHookDelivery', async ({ id, until }) => {
      const refused = await until<Records>('refused deliveries', (records) => records.length > 0);
      return { path: { hook_id: id('refused hook'), delivery_id: refused.at(-1)!.id }, body: {} };
    }),
    step('getOutgoingHookDelivery', ({ id }) => ({
      path: { hook_id: id('refused hook'), delivery_id: id('redeliverOutgoingHookDelivery') },
    })),
    step(
      'updateHook',
      async ({ id, until }) => {
        await until<Delivery>('getOutgoingHookDelivery', ({ status, attempts }) => {
          return status === 'rejected' && attempts === 2;
        });
        // Nobody listens there, which is a reason to try again for a day.
        const body = { target_url: 'http://127.0.0.1:1/' };
        return { path: { hook_type: 'outgoing', hook_id: id('refused hook') }, body };
      },
      'change of the refused hook',
    ),
    step(
      'recoverOutgoingHook',
      ({ id }) => ({
        path: { hook_id: id('refused hook') },
        body: { since: '2026-01-01T00:00:00.000Z', content: 'original', include_overtaken: true },
      }),
      'recovery of the refused hook',
    ),
    step('listOutgoingHookRecoveries', ({ id }) => ({ path: { hook_id: id('refused hook') } })),
    step('getOutgoingHookRecovery', (walk) => ({ path: recoveryOf(walk) })),
    step('cancelOutgoingHookRecovery', (walk) => ({ path: recoveryOf(walk) })),
    step('listActionDeliveries', ({ id }) => ({ path: { action_id: id('getAction') } })),

    step('addPipelineAction', (walk) => ({
      path: pipeline(walk),
      body: {
        source_type: 'tag',
        source_ref: 'v1.2.0',
        trigger_comment: 'The fix for the checkout',
        variables: { dry_run: 'yes' },
      },
    })),
    step(
      'addPipelineAction',
      (walk) => ({ path: { pipeline_id: walk.id('failing pipeline') } }),
      'failing action',
    ),
    step(
      'addPipelineAction',
      (walk) => ({ path: { pipeline_id: walk.id('pipeline of the blog') } }),
      'action of the blog',
    ),
    step('addApplicationDeployment', (walk) => ({
      path: application(walk),
      body: { type: 'deploy', source_type: 'branch', source_ref: 'main' },
    })),
    step('getAction', ({ id }) => ({ path: { action_id: id('failing action') } }), 'failed action'),
    step(
      'getActionLog',
      async ({ until }) => {
        const action = await until<Action>('failed action', hasEnded);
        return { path: { action_id: action.id, target_id: action.targets[0]!.id, order: 2 } };
      },
      'log of a skipped step',
    ),
    step('getActionLogs', ({ id }) => ({
      path: { action_id: id('failing action') },
      query: { colours: 'strip' },
    })),
    step('streamActionEvents', ({ id }) => ({ path: { action_id: id('failing action') } })),
    step('retryAction', ({ id }) => ({ path: { action_id: id('failing action') } })),
    step('addPipelineAction', (walk) => ({ path: { pipeline_id: walk.id('slow pipeline') } }), 'slow action'),
    step('cancelAction', ({ id }) => ({ path: { action_id: id('slow action') } })),
    ...deployment,
    ...serverCalls.map((operationId) => step(operationId, (walk) => ({ path: server(walk) }))),
    step(
      'getAction',
      ({ actionOf }) => ({ path: { action_id: actionOf('getStatusServer') } }),
      'action of the server',
    ),
    step(
      'listHookRequestsByHookType',
      async ({ id, until }) => {
        await until<Action>('action of the server', hasEnded);
        return { path: { hook_type: 'outgoing', hook_id: id('outgoing hook of the server') } };
      },
      'requests to the chat',
    ),

    step('listActions', () => ({ query: { 'filter[status]': 'completed', per_page: 100 } })),
    step('listActions', () => ({ query: { status: 'failed', resource_type: 'server' } }), 'failed actions'),
    step('listEnvironmentActions', ({ id }) => ({ path: { environment_id: id('addProjectEnvironment') } })),
    step('listEnvironmentActionsByResourceType', ({ id }) => ({
      path: { environment_id: id('addProjectEnvironment'), resource_type: 'application' },
    })),
    step('listProjectActionsByResourceType', ({ id }) => ({
      path: { project_id: id('addOrganizationProject'), resource_type: 'server' },
    })),
    step('listPipelineActions', (walk) => ({ path: pipeline(walk), query: { page: 2, per_page: 1 } })),
    step('listActionsByResourceType', ({ id }) => ({
      path: { resource_type: 'application', resource_id: id('addEnvironmentApplication') },
    })),
    step('listActionsByTargetResourceType', ({ id }) => ({
      path: { resource_type: 'server', resource_id: id('addEnvironmentServer') },
    })),
  ],

  removing: [
    step('uninstallIncomingHook', ({ id }) => ({ path: { hook_id: id('hook of the wiki') } })),
    step('rotateHookSecret', ({ id }) => ({
      path: { hook_type: 'incoming', hook_id: id('addPipelineHook') },
      body: {},
    })),
    step(
      'rotateHookSecret',
      ({ id }) => ({
        path: { hook_type: 'outgoing', hook_id: id('outgoing hook') },
        body: { previous_valid_for_seconds: 0 },
      }),
      'first secret of the outgoing hook',
    ),
    step('deleteHook', ({ id }) => ({ path: { hook_type: 'outgoing', hook_id: id('unanswered hook') } })),
    step('deletePipeline', ({ id }) => ({ path: { pipeline_id: id('spare pipeline') } })),
  ],
};
