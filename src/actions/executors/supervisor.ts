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
 * What stands between Hookline and the steps that run elsewhere, or as somebody else: a bash with the rights of the
 * steps. From its standard input it reads itself; then a step, and a sign of life every two seconds while that runs; then
 * the next. So no argument tells what a step does and nothing lies on a disk. When the signs stay out, or `stop` comes, it
 * ends the step with everything that it started: its process group, and whatever bears the id of the run in its
 * environment.
 *
 * Standard output is that of the steps, each up to a mark that no step knows. Standard error says why one could not
 * begin. After a step that has left something behind, or standard output in another state, it does not go on, but ends as
 * the step has ended, and says on standard error that it has.
 */
const supervisor = (times: SupervisorTimes) => `hookline() {
  local word='' mark='' id='' size=''
  # PIPE: when the connection is gone, what it says goes nowhere, and what was left has to be ended all the same.
  trap : TERM HUP INT PIPE
  exec 3<&0 4>&2 </dev/null 2>/dev/null
  coproc HOOKLINE_WATCH { exec 4>&-; hookline_watch; }
  while read -r word mark id size <&3; do
    case $word in
      here) hookline_say here ;;
      run) hookline_run ;;
    esac
  done
}
hookline_say() {
  printf '\\0hookline-%s %s\\n' "$mark" "$1"
}
hookline_run() {
  local setup='' payload='' dir='' mode=700 keep_days='' step='' code=0 found='' held='' round=''
  IFS= read -r setup <&3 || exit 70
  # Bash reads byte by byte from what it cannot seek in; to start a program costs as much as some thousand bytes.
  if [ "$size" -lt 10000 ] && [ "\${BASH_VERSINFO[0]}" -ge 5 ]; then
    LC_ALL=C IFS= read -r -N "$size" payload <&3 || exit 70
    payload=$payload.
  else
    payload=$(LC_ALL=C head -c "$size" <&3; echo .)
  fi
  eval "$setup"
  if [ -n "$keep_days" ] && [ ! -d "$dir" ]; then
    find "\${dir%/*}" -mindepth 1 -maxdepth 1 -mtime "+$keep_days" -exec rm -rf {} +
  fi
  { [ -d "$dir" ] || mkdir -p -m "$mode" -- "$dir"; } 2>&4 && cd -- "$dir" 2>&4 || exit 70
  unset OLDPWD SHLVL
  set -m
  ${runIdVariable}="$id" bash --noprofile --norc -c '. /dev/stdin' <<<"\${payload%.}" 2>&1 3<&- 4>&- &
  step=$!
  set +m
  echo "$step $id" >&"\${HOOKLINE_WATCH[1]}"
  while :; do
    wait "$step"
    code=$?
    kill -0 "$step" || break
  done
  hookline_find "$step"
  # What is about to end by itself was not left behind.
  for round in 1 2 3 4 5; do
    [ -n "$found" ] || hookline_alive || break
    sleep 0.1
    hookline_find "$step"
  done
  if [ -n "$found" ] || hookline_alive; then
    echo "hookline-$mark left" >&4
    kill -TERM -- "-$step"
    hookline_kill
    hookline_end
  fi
  # The folder may be removed or unmounted.
  cd /
  echo >&"\${HOOKLINE_WATCH[1]}"
  # Of the next step nothing may come from this one, nor be lost by what this one has made of the output.
  [ -z "$held" ] && hookline_output_blocks && hookline_say "end $code" || hookline_end
  # Until it says so it is the other one that reads what comes.
  read -r <&"\${HOOKLINE_WATCH[0]}" || exit
}
hookline_end() {
  echo "hookline-$mark ended" >&4
  exit "$code"
}
# Reads what comes while a step runs. It is told of each, and with an empty line of its end; to start it once saves a
# quarter of what a step costs.
hookline_watch() {
  local step id line grace
  while read -r step id; do
    grace=${times.lostGraceSeconds}
    while :; do
      line=''
      IFS= read -r -t ${times.quietSeconds} line <&3
      case $?.$line in
        0.over) read -r; echo; continue 2 ;;
        # Seconds are counted from the last whole one: of one that is asked for, nothing may be left.
        0.stop) grace=${times.graceSeconds + 1}; break ;;
        0.lost) break ;;
        0.*) ;;
        # Nothing came for too long, or nothing can come any more: as it should be when the step has ended.
        142.*) read -t 0 || break ;;
        *) read -t 0 && return; break ;;
      esac
    done
    kill -TERM -- "-$step"
    SECONDS=0
    while [ "$SECONDS" -lt "$grace" ] && hookline_alive; do sleep 0.1; done
    hookline_kill
    return
  done
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
# What bears the id of the run among the processes that are younger than one, and whether another one holds the output.
hookline_find() {
  local pid='' last='' words='' pids=()
  found='' held=''
  # The last field is the id that was given away last: to look from there to there is cheaper than to list all processes.
  read -r words words words words last </proc/loadavg
  if (($1 > 0 && last >= $1 && last - $1 < 500)); then
    for ((pid = $1 + 1; pid <= last; pid++)); do [ ! -d "/proc/$pid" ] || pids+=("$pid"); done
  else
    # After the highest id come the lowest again.
    for pid in /proc/[0-9]*; do ((last < $1 || \${pid:6} > $1)) && pids+=("\${pid:6}"); done
  fi
  for pid in "\${pids[@]}"; do
    words=''
    # All of it in one word: a variable after the other takes three times as long.
    { LC_ALL=C IFS= read -r -N 1000000 words; } 2>/dev/null <"/proc/$pid/environ"
    if [[ $words == *"${runIdVariable}=$id"* ]]; then found="$found $pid"
    elif [ "/proc/$pid/fd/1" -ef /proc/self/fd/1 ] || [ "/proc/$pid/fd/2" -ef /proc/self/fd/1 ]; then
      [ "$pid" = "$$" ] || held=$pid
    fi
  done
}
# Programs may set their output not to block, which is then so for whoever shares it.
hookline_output_blocks() {
  local name='' value=''
  [ -r /proc/self/fdinfo/1 ] || return 0
  while read -r name value; do
    [ "$name" != flags: ] || return $(((value & 04000) != 0))
  done </proc/self/fdinfo/1
}
hookline
`;

/**
 * The command that runs a supervisor, which reads its code first: so many bytes. As another user through sudo, which must
 * not ask for a password.
 */
export function supervisorCommand(user: string, code: string): string {
  // The user's own shell reads this, which need not be bash: nothing but plain words in single quotes.
  if (!/^[a-z_][a-z0-9_-]*\$?$|^$/.test(user)) throw new Error(`no name of a user: ${user}`);
  const sudo = user === '' ? '' : `sudo -n -H -u ${user} -- `;
  // At once: what bash runs from its standard input it reads byte by byte.
  const read = `LC_ALL=C IFS= read -r -N ${Buffer.byteLength(code)} code || exit 70`;
  // What it was started with is nothing for the steps.
  const begin = `${read}; me=\${LOGNAME:-$(id -un)}; exec env -i PATH=${searchPath} HOME="$HOME" USER="$me" LOGNAME="$me" SHELL=/bin/bash LANG=C.UTF-8 bash --noprofile --norc -c "$code" hookline`;
  return `exec ${sudo}bash --noprofile --norc -c '${begin}'`;
}

/** What a supervisor reads first. */
export function supervisorCode(times: SupervisorTimes): string {
  return supervisor(times);
}

/** What a supervisor reads to run a step; after it lines of `beat`, `stop` or `lost`. `mark` is known to nobody else. */
export function stepMessage(
  step: Pick<
    StepRun,
    'runId' | 'script' | 'environment' | 'paths' | 'workingDirectory' | 'directoryMode' | 'keepSiblingsDays'
  >,
  { mark, prelude }: { mark: string; prelude: string },
): string {
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
  return [
    `run ${mark} ${step.runId} ${Buffer.byteLength(payload)}`,
    `dir=${expandable(step.workingDirectory)} mode=${step.directoryMode ?? '700'} keep_days=${step.keepSiblingsDays ?? ''}`,
    payload,
  ].join('\n');
}
