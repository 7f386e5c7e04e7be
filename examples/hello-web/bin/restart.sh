#!/usr/bin/env bash
# Starts hello-web from current/, in place of the one that runs, and waits until the new release answers.
#
# On a real server a service manager does this, and the step of the pipeline is one line:
#
#     sudo systemctl restart hello-web
#
# with a unit that says `ExecStart=/usr/bin/node /srv/hello-web/current/server.js` and `Restart=always`. It brings the
# service back after a crash and a reboot, which nothing here does, and keeps it apart from Hookline's own service: a
# process that is started from here ends with that one, when systemd stops it.
#
# What follows is for a machine without a service manager.
set -euo pipefail

fail() {
  echo "restart: $1" >&2
  exit 1
}

for name in HOOKLINE_APPLICATION_DIR HOOKLINE_RELEASE_DIR HOOKLINE_RELEASE_NAME HOOKLINE_COMMIT_HASH; do
  [ -n "${!name:-}" ] || fail "$name is not set; Hookline sets it for a step, README.md says how to by hand."
done
command -v setsid >/dev/null || fail "setsid is not installed; it is part of util-linux."

program=${HOOKLINE_CURRENT_DIR:-$HOOKLINE_APPLICATION_DIR/current}/server.js
export PORT=${PORT:-3000}
# Beside the releases: these outlive each of them.
run=$HOOKLINE_APPLICATION_DIR/run
pid_file=$run/hello-web.pid
log=$run/hello-web.log
mkdir -p "$run"

# Whether process $1 is our server, and not another one that got the number of one that has ended.
is_server() {
  local command
  if [ -d /proc/self ]; then
    # Empty for a process that has ended and only waits to be noticed.
    command=$({ tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null) || return 1
  else
    command=$(ps -o command= -p "$1") || return 1
  fi
  [[ $command == *"$program"* ]]
}

stop() {
  is_server "$1" || return 0
  kill "$1" 2>/dev/null || true
  for _ in {1..50}; do
    is_server "$1" || return 0
    sleep 0.1
  done
  kill -KILL "$1" 2>/dev/null || true
  for _ in {1..50}; do
    is_server "$1" || return 0
    sleep 0.1
  done
  fail "process $1, the server of the release before, cannot be ended."
}

answering() {
  node "$HOOKLINE_RELEASE_DIR/bin/ask-healthz.js" 2>/dev/null
}

if old=$(cat "$pid_file" 2>/dev/null) && [[ $old =~ ^[0-9]+$ ]]; then stop "$old"; fi
rm -f "$pid_file"
if other=$(answering); then
  fail "port $PORT is taken by $other, which was not started from here; end it, or set PORT."
fi

# Hookline ends what a step leaves behind: every process in the step's process group, and every one that has inherited
# its variable HOOKLINE_RUN_ID. A service is meant to stay: `setsid` gives it a group of its own and `env -i` an
# environment of its own, in which only what is listed here is set. Its output goes to a file: while it held the pipe of
# the step's output, the step would not be over.
#
# A background process of a script leads no group, so setsid becomes the server rather than starting it: $! is its id.
cd "$HOOKLINE_APPLICATION_DIR"
setsid env -i PATH="$PATH" HOME="${HOME:-/}" NODE_ENV=production PORT="$PORT" \
  node "$program" </dev/null >>"$log" 2>&1 &
pid=$!
echo "$pid" >"$pid_file"

give_up() {
  kill -KILL "$pid" 2>/dev/null || true
  rm -f "$pid_file"
  echo "The last lines of $log:" >&2
  tail -n 20 "$log" >&2
  fail "$1 hello-web is down until another release is deployed."
}

deadline=$((SECONDS + ${START_TIMEOUT_S:-20}))
until answer=$(answering); do
  kill -0 "$pid" 2>/dev/null || give_up "the server of $HOOKLINE_RELEASE_NAME ended as soon as it was started."
  ((SECONDS < deadline)) || give_up "the server of $HOOKLINE_RELEASE_NAME did not answer in time."
  sleep 0.1
done
[ "$answer" = "$HOOKLINE_COMMIT_HASH $HOOKLINE_RELEASE_NAME" ] ||
  give_up "what answers is $answer and not $HOOKLINE_COMMIT_HASH $HOOKLINE_RELEASE_NAME."
echo "hello-web answers with $HOOKLINE_COMMIT_HASH at http://127.0.0.1:$PORT (process $pid)."
