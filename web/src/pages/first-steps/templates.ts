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

// A service of that name may not be there yet, and the first run is not to fail by it.
const restart = '# With the name of your service:\n# sudo systemctl restart web\ntrue';

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
      step('Restart', restart, true),
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
      step(
        'Reload',
        'php artisan queue:restart\n# And if PHP remembers old files:\n# sudo systemctl reload php8.4-fpm',
        true,
      ),
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
      step('Restart', restart, true),
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
      step('Restart', restart, true),
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
