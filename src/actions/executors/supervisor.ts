import { expandable, exportsOf } from './bash-text.ts';
import { bashOptions, graceMs, lostGraceMs, runIdVariable, searchPath, type StepRun } from './executor.ts';

/** How often the other side says that it is there. */
export const beatMs = 2000;

/** In whole seconds: bash counts them. */
export type SupervisorTimes = {
  /** How long the supervisor does without a sign of life. */
  quietSeconds: number;
  /** Between TERM and KILL when the signs stay out, or the node has lost its action. */
  lostGraceSeconds: number;
  /** Between TERM and KILL when it is told to stop. */
  graceSeconds: number;
};

/**
 * The first two are together below the lease of a node (`platform/node-lease.ts`): when another node may say what
 * became of an action, nothing of it runs any more.
 */
export const supervisorTimes: SupervisorTimes = {
  quietSeconds: 10,
  lostGraceSeconds: lostGraceMs / 1000,
  graceSeconds: graceMs / 1000,
};

/*
 * What stands between Hookline and a step that runs elsewhere, or as somebody else: a bash with the rights of the
 * step. It reads itself, what to run, and then a sign of life every two seconds from its standard input, so that no
 * argument tells what a step does and nothing lies on a disk. When the signs stay out, or `stop` comes, it ends the step
 * with everything that it started: its process group, and whatever bears the id of the run in its environment.
 *
 * Standard output is the step's alone, from the line that says `ready`. Standard error says why it could not begin.
 */
const supervisor = (times: SupervisorTimes) => `hookline() {
  local id=$1 size=$2 setup='' payload='' dir='' mode=700 keep_days='' step='' watcher='' code=0 found='' me='' round=''
  # PIPE: when the connection is gone, the line about what was left goes nowhere, and that has to be ended all the same.
  trap : TERM HUP INT PIPE
  IFS= read -r setup || exit 70
  # Bash reads byte by byte from what it cannot seek in; to start a program costs as much as some thousand bytes.
  if [ "$size" -lt 10000 ] && [ "\${BASH_VERSINFO[0]}" -ge 5 ]; then
    LC_ALL=C IFS= read -r -N "$size" payload || exit 70
    payload=$payload.
  else
    payload=$(LC_ALL=C head -c "$size"; echo .)
  fi
  eval "$setup"
  if [ -n "$keep_days" ] && [ ! -d "$dir" ]; then
    find "\${dir%/*}" -mindepth 1 -maxdepth 1 -mtime "+$keep_days" -exec rm -rf {} + 2>/dev/null
  fi
  { [ -d "$dir" ] || mkdir -p -m "$mode" -- "$dir"; } && cd -- "$dir" || exit 70
  exec 3<&0 4>&2 </dev/null 2>/dev/null
  echo "hookline-$id ready"
  me=\${LOGNAME:-$(id -un)}
  set -m
  env -i ${runIdVariable}="$id" PATH=${searchPath} HOME="$HOME" USER="$me" LOGNAME="$me" \\
    SHELL=/bin/bash LANG=C.UTF-8 bash --noprofile --norc -c '. /dev/stdin' <<<"\${payload%.}" 2>&1 3<&- 4>&- &
  step=$!
  set +m
  hookline_watch <&3 >/dev/null 3<&- &
  watcher=$!
  exec 3<&-
  while :; do
    wait "$step"
    code=$?
    kill -0 "$step" || break
  done
  kill -KILL "$watcher"
  hookline_find "$step"
  # What is about to end by itself was not left behind.
  for round in 1 2 3 4 5; do
    [ -n "$found" ] || hookline_alive || break
    sleep 0.1
    hookline_find "$step"
  done
  if [ -n "$found" ] || hookline_alive; then
    echo "hookline-$id left" >&4
    kill -TERM -- "-$step"
    hookline_kill
  fi
  exit "$code"
}
hookline_watch() {
  local line='' grace=${times.lostGraceSeconds}
  while IFS= read -r -t ${times.quietSeconds} line; do
    # Seconds are counted from the last whole one: of one that is asked for, nothing may be left.
    [ "$line" = stop ] && grace=${times.graceSeconds + 1} && break
    [ "$line" = lost ] && break
  done
  kill -TERM -- "-$step"
  SECONDS=0
  while [ "$SECONDS" -lt "$grace" ] && hookline_alive; do sleep 0.1; done
  hookline_kill
}
# Whether anything of the group runs. What has ended and waits for its new parent to notice does not: in a container
# that may be for ever.
hookline_alive() {
  local folder stat
  kill -0 -- "-$step" || return 1
  [ -r /proc/self/stat ] || return 0
  for folder in /proc/[0-9]*; do
    stat=''
    { IFS= read -r stat; } 2>/dev/null <"$folder/stat"
    # State, parent and group follow the name, which may hold anything.
    stat=(\${stat##*) })
    [ "\${stat[2]}" = "$step" ] && [ "\${stat[0]}" != Z ] && return 0
  done
  return 1
}
hookline_kill() {
  local round
  for round in 1 2 3 4 5 6 7 8 9 10; do
    kill -KILL -- "-$step"
    hookline_find 0
    [ -n "$found" ] || return 0
    kill -KILL $found
    sleep 0.05
  done
}
hookline_find() {
  local pid folder word words IFS=$'\\n'
  found=''
  # Not the files themselves, each of which bash would look for.
  for folder in /proc/[0-9]*; do
    pid=\${folder:6}
    ((pid > $1)) || continue
    words=()
    # Word by word takes three times as long, as bash reads byte by byte then.
    {
      if [ "\${BASH_VERSINFO[0]}" -ge 5 ]; then mapfile -d '' -t words
      else while IFS= read -r -d '' word; do words[\${#words[@]}]=$word; done; fi
    } 2>/dev/null <"$folder/environ"
    [[ $'\\n'"\${words[*]}"$'\\n' == *$'\\n'"${runIdVariable}=$id"$'\\n'* ]] && found="$found $pid"
  done
}
hookline "$@"
`;

/** The command that reads what `supervisorInput` gives. With another user through sudo, which must not ask for a password. */
export function supervisorCommand(
  step: Pick<StepRun, 'runId' | 'runAsUser'>,
  { codeBytes, payloadBytes }: Omit<SupervisorInput, 'text'>,
): string {
  // The user's own shell reads this, which need not be bash: nothing but plain words in single quotes.
  if (!/^[a-z_][a-z0-9_-]*\$?$|^$/.test(step.runAsUser))
    throw new Error(`no name of a user: ${step.runAsUser}`);
  const sudo = step.runAsUser === '' ? '' : `sudo -n -H -u ${step.runAsUser} -- `;
  // At once: what bash runs from its standard input it reads byte by byte.
  const begin = `LC_ALL=C IFS= read -r -N ${codeBytes} code || exit 70; eval "$code"`;
  return `exec ${sudo}bash --noprofile --norc -c '${begin}' hookline ${step.runId} ${payloadBytes}`;
}

export type SupervisorInput = {
  text: string;
  /** How much of it is the supervisor itself, which comes first. */
  codeBytes: number;
  /** How much is what it runs, which comes last. */
  payloadBytes: number;
};

/** What is written first; after it lines of `beat` or `stop`. */
export function supervisorInput(
  step: Pick<
    StepRun,
    'script' | 'environment' | 'paths' | 'workingDirectory' | 'directoryMode' | 'keepSiblingsDays'
  >,
  prelude: string,
  times: SupervisorTimes,
): SupervisorInput {
  // The id of the run, by which its processes are found, is nothing that a variable may take the place of.
  const exports = exportsOf(step).filter(({ name }) => name !== runIdVariable);
  // One line, so that bash counts the lines of the script as its author does.
  const payload = [
    'exec </dev/null',
    ...exports.map(({ command }) => command),
    prelude,
    `set ${bashOptions}`,
    step.script,
  ]
    .filter(Boolean)
    .join('; ');
  const code = supervisor(times);
  return {
    text: `${code}dir=${expandable(step.workingDirectory)} mode=${step.directoryMode ?? '700'} keep_days=${step.keepSiblingsDays ?? ''}\n${payload}`,
    codeBytes: Buffer.byteLength(code),
    payloadBytes: Buffer.byteLength(payload),
  };
}
