import { step, type Walk } from './openapi-scenario-step.ts';

const environment = ({ id }: Walk) => ({ environment_id: id('addProjectEnvironment') });
const application = ({ id }: Walk) => ({ application_id: id('addEnvironmentApplication') });
const server = ({ id }: Walk) => ({ server_id: id('addEnvironmentServer') });
const link = ({ id }: Walk) => ({
  resource_type: 'application',
  resource_id: id('addEnvironmentApplication'),
  child_type: 'server',
  child_id: id('addEnvironmentServer'),
});

/** Credentials, servers, applications, the links between them, and variables. */
export const resourceSteps = {
  making: [
    step('addEnvironmentCredential', (walk) => ({
      path: environment(walk),
      body: {
        name: 'GitHub of the shop',
        provider_code: 'github',
        settings: { access_token: 'ghp_0123456789abcdefABCDEF', api_url: 'https://api.github.com' },
      },
    })),
    step('addOrganizationCredential', ({ id }) => ({
      path: { organization_id: id('addOrganization') },
      body: {
        name: 'GitLab',
        provider_code: 'gitlab',
        provider_type: 'source_provider',
        settings: { credential: { access_token: 'glpat-0123456789' } },
      },
    })),
    step(
      'addEnvironmentCredential',
      (walk) => ({
        path: environment(walk),
        body: { name: 'Spare', provider_code: 'bitbucket', settings: { access_token: 'x' } },
      }),
      'spare credential',
    ),
    step(
      'addEnvironmentCredential',
      (walk) => ({
        path: environment(walk),
        body: {
          name: 'GitHub of our own',
          provider_code: 'github',
          settings: { access_token: 'ghp_abcdefABCDEF0123456789', api_url: walk.providerUrl },
        },
      }),
      'credential of our own GitHub',
    ),
    step('listEnvironmentCredentials', (walk) => ({
      path: environment(walk),
      query: { provider_code: 'github' },
    })),
    step('listOrganizationCredentials', ({ id }) => ({ path: { organization_id: id('addOrganization') } })),
    step('getCredential', ({ id }) => ({ path: { credential_id: id('addOrganizationCredential') } })),
    step('updateCredential', ({ id }) => ({
      path: { credential_id: id('addOrganizationCredential') },
      body: { active: false },
    })),

    // Nothing listens there, so what a step tries on it ends at once.
    step('addEnvironmentServer', (walk) => ({
      path: environment(walk),
      body: { hostname: 'web-1.example.com', ip_address: '127.0.0.1', ssh_port: 1, ssh_user: 'deploy' },
    })),
    step(
      'addEnvironmentServer',
      (walk) => ({ path: environment(walk), body: { hostname: 'web-2' } }),
      'spare server',
    ),
    step('listEnvironmentServers', (walk) => ({ path: environment(walk) })),
    step('getServer', (walk) => ({ path: server(walk) })),
    step('updateServer', (walk) => ({ path: server(walk), body: { max_parallel_actions: 1 } })),
    step('testServerConnection', (walk) => ({ path: server(walk) })),

    step('addEnvironmentApplication', (walk) => ({
      path: environment(walk),
      body: {
        name: 'shop',
        repository: 'octocat/hello-world',
        credential_id: walk.id('addEnvironmentCredential'),
        default_branch: 'main',
        programming_language: 'nodejs',
        engine_version: '26.x',
        framework: 'fastify',
        root_directory: '/',
        deployments_keep: 3,
        install_dependencies_command: 'npm ci',
        build_command: 'npm run build',
      },
    })),
    step(
      'addEnvironmentApplication',
      (walk) => ({
        path: environment(walk),
        body: { name: 'blog', repository: 'https://git.example.com/team/blog.git' },
      }),
      'spare application',
    ),
    step(
      'addEnvironmentApplication',
      (walk) => ({
        path: environment(walk),
        body: {
          name: 'wiki',
          repository: 'octocat/wiki',
          credential_id: walk.id('credential of our own GitHub'),
        },
      }),
      'application on our own GitHub',
    ),
    step('listEnvironmentApplications', (walk) => ({
      path: environment(walk),
      query: { 'filter[name]': 'sho' },
    })),
    step('updateApplication', (walk) => ({ path: application(walk), body: { deployments_keep: 5 } })),
    step('getApplication', (walk) => ({ path: application(walk) })),

    step('linkResourceLinkToResourceLink', (walk) => ({ path: link(walk) })),
    step('listResourceLinksByResourceTypeAndLinkType', ({ id }) => ({
      path: {
        resource_type: 'application',
        resource_id: id('addEnvironmentApplication'),
        link_type: 'child',
      },
    })),
    step('listResourceLinksByResourceType', ({ id }) => ({
      path: { resource_type: 'application', resource_id: id('addEnvironmentApplication') },
    })),
    step(
      'listResourceLinksByResourceType',
      ({ id }) => ({ path: { resource_type: 'server', resource_id: id('addEnvironmentServer') } }),
      'links of the server',
    ),
    step('getApplication', (walk) => ({ path: application(walk) }), 'linked application'),
    step('unlinkResourceLinkFromResourceLink', (walk) => ({ path: link(walk) })),

    step('addApplicationVariable', (walk) => ({
      path: application(walk),
      body: { key: 'SHOP_TOKEN', value: 'sesame-open', hidden: true, description: 'For the stock service.' },
    })),
    step('addVariable', ({ id }) => ({
      path: { resource_type: 'server', resource_id: id('addEnvironmentServer') },
      body: { key: 'NODE_ENV', value: 'production' },
    })),
    step('listApplicationVariables', (walk) => ({ path: application(walk) })),
    step('listVariablesByResourceType', ({ id }) => ({
      path: { resource_type: 'server', resource_id: id('addEnvironmentServer') },
    })),
    step('getVariable', ({ id }) => ({ path: { variable_id: id('addApplicationVariable') } })),
    step('updateVariable', ({ id }) => ({
      path: { variable_id: id('addApplicationVariable') },
      body: { key: 'SHOP_TOKEN', value: 'sesame-shut' },
    })),
  ],

  removing: [
    step('deleteVariable', ({ id }) => ({ path: { variable_id: id('addVariable') } })),
    step('deleteApplication', ({ id }) => ({ path: { application_id: id('spare application') } })),
    step(
      'getAction',
      ({ id }) => ({ path: { action_id: id('action of the blog') } }),
      'action of what is gone',
    ),
    step('deleteServer', ({ id }) => ({ path: { server_id: id('spare server') } })),
    step('deleteCredential', ({ id }) => ({ path: { credential_id: id('spare credential') } })),
  ],
};
