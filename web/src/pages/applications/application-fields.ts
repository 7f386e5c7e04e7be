import type { Application, ApplicationUpdate } from '#sdk';

/** An application as it is being edited; empty texts stand for what is not set. */
export type ApplicationDraft = {
  name: string;
  repository: string;
  defaultBranch: string;
  credentialId: number | null;
  serverIds: number[];
  language: string;
  engineVersion: string;
  framework: string;
  rootDirectory: string;
  deployDirectory: string;
  keep: number;
  installCommand: string;
  buildCommand: string;
};

export const emptyApplication: ApplicationDraft = {
  name: '',
  repository: '',
  defaultBranch: 'main',
  credentialId: null,
  serverIds: [],
  language: '',
  engineVersion: '',
  framework: '',
  rootDirectory: '',
  deployDirectory: '',
  keep: 5,
  installCommand: '',
  buildCommand: '',
};

export function draftOf(application: Application): ApplicationDraft {
  return {
    name: application.name,
    repository: application.repository,
    defaultBranch: application.default_branch,
    credentialId: application.credential?.id ?? null,
    serverIds: application.servers.map(({ id }) => id).toSorted((a, b) => a - b),
    language: application.programming_language,
    engineVersion: application.engine_version,
    framework: application.framework,
    rootDirectory: application.root_directory,
    deployDirectory: application.deploy_directory ?? '',
    keep: application.deployments_keep,
    installCommand: application.install_dependencies_command ?? '',
    buildCommand: application.build_command ?? '',
  };
}

/** The fields as the API takes them, but for the servers. */
export function fieldsOf(draft: ApplicationDraft) {
  return {
    name: draft.name.trim(),
    repository: draft.repository.trim(),
    default_branch: draft.defaultBranch.trim(),
    credential_id: draft.credentialId,
    programming_language: draft.language.trim(),
    engine_version: draft.engineVersion.trim(),
    framework: draft.framework.trim(),
    root_directory: draft.rootDirectory.trim() || null,
    deploy_directory: draft.deployDirectory.trim() || null,
    deployments_keep: draft.keep,
    install_dependencies_command: draft.installCommand.trim() ? draft.installCommand : null,
    build_command: draft.buildCommand.trim() ? draft.buildCommand : null,
  } satisfies ApplicationUpdate;
}
