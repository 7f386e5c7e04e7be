import { bashOptions, graceMs, runIdVariable, searchPath, type StepRun } from './executor.ts';

/** How often the other side says that it is there. */
export const beatMs = 2000;
/**
 * How long the supervisor does without. Together with `lostGraceSeconds` it is below the lease of a node
 * (`platform/node-lease.ts`): when another node may say what became of an action, nothing of it runs any more.
 */
const quietSeconds = 10;
const lostGraceSeconds = 3;

/*
 * What stands between Hookline and a step that runs elsewhere, or as somebody else: a bash with the rights of the
 * step. It reads itself, what to run, and then a sign of life every two seconds from its standard input, so that no
 * argument tells what a step does and nothing lies on a disk. When the signs stay out, or `stop` comes, it ends the step
 * with everything that it started: its process group, and whatever bears the id of the run in its environment.
 *
 * Standard output is the step's alone, from the line that says `ready`. Standard error says why it could not begin.
 */
const supervisor = `hookline() {
  local id=$1 size=$2 setup='' payload='' dir='' step='' watcher='' code=0 found='' me=''
  trap : TERM HUP INT
  IFS= read -r setup || exit 70
  payload=$(LC_ALL=C head -c "$size"; echo .)
  eval "$setup"
  mkdir -p -m 700 -- "$dir" && cd -- "$dir" || exit 70
  exec 3<&0 4>&2 </dev/null 2>/dev/null
  echo "hookline-$id ready"
  me=$(id -un)
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
  hookline_look "$step"
  if [ -n "$found" ] || kill -0 -- "-$step"; then
    # What is about to end by itself was not left behind.
    sleep 0.1
    hookline_look "$step"
  fi
  if [ -n "$found" ] || kill -0 -- "-$step"; then
    echo "hookline-$id left" >&4
    kill -TERM -- "-$step"
    hookline_kill
  fi
  exit "$code"
}
hookline_watch() {
  local line='' grace=${lostGraceSeconds}
  while IFS= read -r -t ${quietSeconds} line; do
    [ "$line" = stop ] && grace=${graceMs / 1000} && break
  done
  kill -TERM -- "-$step"
  SECONDS=0
  while [ "$SECONDS" -lt "$grace" ] && kill -0 -- "-$step"; do sleep 0.1; done
  hookline_kill
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
# As hookline_find, by one program, since bash reads each environment byte by byte. Where none can be started, bash does.
hookline_look() {
  local file pid files=() line='' ran=''
  found=''
  for file in /proc/[0-9]*/environ; do
    pid=\${file#/proc/}
    [ "\${pid%/environ}" -gt "$1" ] 2>/dev/null && files+=("$file")
  done
  [ "\${#files[@]}" -gt 0 ] || return 0
  while IFS= read -r line; do
    [ "$line" = ran ] && ran=1 && break
    pid=\${line#/proc/}
    found="$found \${pid%/environ}"
  done < <(LC_ALL=C grep -lsxzF -e "${runIdVariable}=$id" -- "\${files[@]}"; [ "$?" -le 2 ] && echo ran)
  [ -n "$ran" ] || hookline_find "$1"
}
hookline_find() {
  local pid file word
  found=''
  for file in /proc/[0-9]*/environ; do
    pid=\${file#/proc/}
    pid=\${pid%/environ}
    [ "$pid" -gt "$1" ] 2>/dev/null || continue
    { while IFS= read -r -d '' word; do
      [ "$word" = "${runIdVariable}=$id" ] && found="$found $pid" && break
    done; } 2>/dev/null <"$file"
  done
}
hookline "$@"
`;

/** The command that reads what `supervisorInput` gives. With another user through sudo, which must not ask for a password. */
export function supervisorCommand(step: Pick<StepRun, 'runId' | 'runAsUser'>, size: number): string {
  const sudo = step.runAsUser === '' ? '' : `sudo -n -H -u ${quote(step.runAsUser)} -- `;
  return `exec ${sudo}bash --noprofile --norc -s -- ${step.runId} ${size}`;
}

export type SupervisorInput = { text: string; payloadBytes: number };

/** What is written first; after it lines of `beat` or `stop`. */
export function supervisorInput(
  step: Pick<StepRun, 'script' | 'environment' | 'paths' | 'workingDirectory'>,
  prelude: string,
): SupervisorInput {
  const variables = Object.entries(step.environment).map(([name, value]) => [name, quote(value)] as const);
  const paths = Object.entries(step.paths).map(([name, path]) => [name, expandable(path)] as const);
  const exports = [...variables, ...paths]
    .filter(([name]) => /^[A-Za-z_]\w*$/.test(name))
    .map(([name, value]) => `export ${name}=${value}`);
  // One line, so that bash counts the lines of the script as its author does.
  const payload = ['exec </dev/null', ...exports, prelude, `set ${bashOptions}`, step.script]
    .filter(Boolean)
    .join('; ');
  return {
    text: `${supervisor}dir=${expandable(step.workingDirectory)}\n${payload}`,
    payloadBytes: Buffer.byteLength(payload),
  };
}

/** A text as one word of bash, on one line. */
function quote(text: string): string {
  const escaped = text.replaceAll(/[\\']/g, String.raw`\$&`).replaceAll('\n', String.raw`\n`);
  return `$'${escaped.replaceAll('\r', String.raw`\r`)}'`;
}

function expandable(path: string): string {
  return path.startsWith('~/') ? `"$HOME"${quote(path.slice(1))}` : quote(path);
}
