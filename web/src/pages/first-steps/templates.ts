export type DraftStep = { name: string; command: string; after_activation: boolean };

export type Template = {
  code: string;
  label: string;
  /** Whether the commit is fetched into a release first. */
  isDeployment: boolean;
  about: string;
  steps: DraftStep[];
};

const step = (name: string, command: string, after_activation = false): DraftStep => ({
  name,
  command,
  after_activation,
});

/** Where to begin for common stacks; everything in them can be changed before the pipeline is made. */
export const templates: Template[] = [
  {
    code: 'node',
    label: 'Node.js',
    isDeployment: true,
    about: 'Installs, builds and tests; then restarts the service.',
    steps: [
      step('Install', 'npm ci'),
      step('Build', 'npm run build --if-present'),
      step('Test', 'npm test --if-present'),
      step('Restart', '# The name of your service:\nsudo systemctl restart web', true),
    ],
  },
  {
    code: 'static',
    label: 'Static site',
    isDeployment: true,
    about: 'Builds the site; the web server serves the folder "current" of the deployment.',
    steps: [
      step('Build', 'npm ci\nnpm run build'),
      step('Check', '# The folder that the build writes:\ntest -s dist/index.html'),
    ],
  },
  {
    code: 'compose',
    label: 'Docker Compose',
    isDeployment: true,
    about: 'Builds the images, then replaces the containers.',
    steps: [
      step('Build', 'docker compose build --pull'),
      step('Up', 'docker compose up --detach --remove-orphans --wait', true),
      step('Clean up', 'docker image prune --force', true),
    ],
  },
  {
    code: 'laravel',
    label: 'Laravel / PHP',
    isDeployment: true,
    about: 'Links what outlives a release, installs, migrates; then reloads PHP.',
    steps: [
      step(
        'Link shared files',
        'shared="$HOOKLINE_APPLICATION_DIR/shared"\nmkdir -p "$shared/storage"\nln -sfn "$shared/.env" .env\nrm -rf storage && ln -sfn "$shared/storage" storage',
      ),
      step('Install', 'composer install --no-dev --no-interaction --prefer-dist --optimize-autoloader'),
      step('Build assets', 'if [ -f package.json ]; then npm ci && npm run build; fi'),
      step('Migrate', 'php artisan migrate --force'),
      step('Cache', 'php artisan optimize'),
      step('Reload', 'php artisan queue:restart\nsudo systemctl reload php8.4-fpm', true),
    ],
  },
  {
    code: 'python',
    label: 'Python',
    isDeployment: true,
    about: 'Makes a virtual environment of the release, tests; then restarts the service.',
    steps: [
      step('Install', 'python3 -m venv .venv\n.venv/bin/pip install --requirement requirements.txt'),
      step('Test', 'if [ -d tests ]; then .venv/bin/python -m pytest; fi'),
      step('Restart', '# The name of your service:\nsudo systemctl restart web', true),
    ],
  },
  {
    code: 'go',
    label: 'Go',
    isDeployment: true,
    about: 'Tests and builds; then restarts the service.',
    steps: [
      step('Test', 'go test ./...'),
      step('Build', 'go build -o bin/ ./...'),
      step('Restart', '# The name of your service:\nsudo systemctl restart web', true),
    ],
  },
  {
    code: 'script',
    label: 'Plain script',
    isDeployment: false,
    about: 'Runs what you write and nothing else; nothing is fetched.',
    steps: [
      step(
        'Run',
        'echo "A push to $HOOKLINE_SOURCE_REF: $HOOKLINE_COMMIT_HASH"\n# Everything that bash can do, such as:\n# cd /srv/web && git pull && npm ci',
      ),
    ],
  },
];
