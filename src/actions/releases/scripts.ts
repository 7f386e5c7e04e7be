/*
 * What Hookline does itself in a deployment, as scripts for the target. All that differs from one run to the next comes
 * by way of the environment, so nothing from a payload or a definition is ever part of a script. `report` hands values
 * back: lines that bear a word which only this run knows, and which never reach the log (`report.ts`).
 */

const common = `app=$HOOKLINE_APPLICATION_DIR
own=$app/.hookline
fail() { printf '%s\\n' "$*" >&2; exit 1; }
report() { printf '%s %s %s\\n' "$HOOKLINE_REPORT" "$1" "$(printf '%s' "$2" | base64 | tr -d '\\n')"; }
check_current() {
  [ ! -e "$app/current" ] || [ -L "$app/current" ] ||
    fail "$app/current is no link, but something of somebody's. Move it away and deploy again."
}
umask 022
`;

/**
 * Removes what neither this installation knows as good nor is being built; only what it has named itself. What began
 * after this deployment is left to the next one: while this waited for the lock it may have come to be, unknown to us.
 */
const remove = `is_newer() {
  local of=$HOOKLINE_RELEASE_NAME
  [[ \${1%-*} > \${of%-*} ]] || { [[ \${1%-*} == \${of%-*} ]] && [ "\${1##*-}" -gt "\${of##*-}" ]; }
}
in_use=$(readlink "$app/current" || true)
for folder in "$app"/releases/*/; do
  name=$(basename "$folder")
  [[ $name =~ ^[0-9]{8}-[0-9]{6}-[0-9]+$ ]] || continue
  [[ " $HOOKLINE_KEEP_RELEASES " == *" $name "* || $in_use == "releases/$name" ]] && continue
  is_newer "$name" && continue
  chmod -R u+w "$folder" 2>/dev/null || true
  rm -rf "$folder"
  [ ! -d "$own/source.git" ] || git --git-dir="$own/source.git" update-ref -d "refs/hookline/$name" || true
  echo "Removed $name."
done
`;

/**
 * Fetches into a bare repository that stays, so that only what is new is transferred, and checks the commit out into
 * a folder of its own without one: what is served to the world holds no .git.
 */
export const fetchScript = `${common}command -v git >/dev/null || fail "git is not installed on this machine; install it and deploy again."
mkdir -p "$app/releases" && mkdir -p -m 700 "$own" || fail "$app cannot be made: choose another deploy_directory, or another user."
app=$(cd "$app" && pwd -P)
own=$app/.hookline
if [ -e "$own/owner" ]; then
  [ "$(cat "$own/owner")" = "$HOOKLINE_DEPLOY_OWNER" ] ||
    fail "$app belongs to another application already. Give this one a deploy_directory of its own; or if the other one is gone, remove $own/owner."
else
  printf '%s\\n' "$HOOKLINE_DEPLOY_OWNER" >"$own/owner"
fi
# Said before anything is built, and before another target has gone live.
check_current
exec 9>"$own/lock"
if command -v flock >/dev/null && ! flock -n 9; then
  echo "Another deployment is fetching; waiting for it."
  flock 9
fi
${remove}
cache=$own/source.git
# Left by a git that was killed; whoever still runs one would hold our lock.
! command -v flock >/dev/null || [ ! -d "$cache" ] || find "$cache" -name '*.lock' -type f -delete
[ -d "$cache/objects" ] || git init --quiet --bare "$cache"
helper='!f() { [ "$1" = get ] && printf "username=%s\\npassword=%s\\n" "$HOOKLINE_GIT_USERNAME" "$HOOKLINE_GIT_PASSWORD"; }; f'
settings=(-c credential.helper= -c core.hooksPath=/dev/null -c gc.autoDetach=false -c maintenance.auto=false
  -c protocol.allow=never -c protocol.https.allow=always -c protocol.http.allow=always
  -c protocol.ssh.allow=always -c protocol.git.allow=always -c http.lowSpeedLimit=1 -c http.lowSpeedTime=60)
[ -z "$HOOKLINE_GIT_ORIGIN" ] || settings+=(-c "credential.$HOOKLINE_GIT_ORIGIN.helper=$helper")
ssh='ssh -o BatchMode=yes'
if [ -n "$HOOKLINE_GIT_ADDRESS" ]; then
  # What was checked is what is connected to, and nowhere else.
  settings+=(-c http.followRedirects=false -c "http.curloptResolve=$HOOKLINE_GIT_HOST:$HOOKLINE_GIT_PORT:$HOOKLINE_GIT_ADDRESS")
  # The same for submodules: whatever is not at this host goes to a proxy that there is not.
  settings+=(-c http.proxy=http://127.0.0.1:1 -c protocol.git.allow=never)
  [[ $HOOKLINE_SOURCE_URL =~ ^https?://[^/]+ ]] && settings+=(-c "http.\${BASH_REMATCH[0]}.proxy=\${https_proxy-\${http_proxy-}}")
  ssh="$ssh -o HostName=$HOOKLINE_GIT_ADDRESS -o HostKeyAlias=$HOOKLINE_GIT_HOST"
fi
export GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=/bin/false SSH_ASKPASS=/bin/false GIT_SSH_COMMAND="$ssh"
git() { command git "\${settings[@]}" "$@" 9>&-; }
export GIT_DIR=$cache
git config remote.origin.url "$HOOKLINE_SOURCE_URL"
# What git says is looked at below.
export LC_ALL=C
# Shallow first; more only where a git host does not give single commits, or the commit is named by its beginning.
get() { git fetch --quiet --no-tags --no-write-fetch-head --depth 1 origin "+$1:refs/hookline/$HOOKLINE_RELEASE_NAME" 2>"$own/error"; }
get_all() { git fetch --quiet --no-tags --prune --update-shallow --unshallow origin "$@" 2>"$own/error" || git fetch --quiet --no-tags --prune origin "$@" 2>"$own/error"; }
named() {
  git check-ref-format "$1" || fail "\\"$HOOKLINE_SOURCE_REF\\" is no name that a branch or tag can have."
  get "$1"
}
fetch_failed() {
  grep -v '^fatal: the remote end hung up' "$own/error" >&2 || true
  local why=$1
  if grep -qE 'Authentication failed|could not read (Username|Password)|returned error: 40[13]' "$own/error"; then
    why="the git host wants a token. Give the application a credential of its source provider."
    [ -z "$HOOKLINE_GIT_ORIGIN" ] || why="the git host refused the token of the application's credential."
  elif grep -qE 'returned error: 30[1278]' "$own/error"; then
    why="it redirects to another address, which is not followed from here. Give the application the new one."
  fi
  fail "The source could not be fetched from $HOOKLINE_SOURCE_URL: $why"
}
case $HOOKLINE_SOURCE_TYPE in
  tag) ref=refs/tags/$HOOKLINE_SOURCE_REF ;;
  *) ref=refs/heads/$HOOKLINE_SOURCE_REF ;;
esac
wanted=$HOOKLINE_COMMIT_HASH
[ -n "$wanted" ] || [ "$HOOKLINE_SOURCE_TYPE" != commit ] || wanted=$HOOKLINE_SOURCE_REF
if [ -n "$wanted" ]; then
  [[ $wanted =~ ^[0-9a-f]{7,64}$ ]] || fail "\\"$wanted\\" is no commit hash: 7 to 64 digits and letters from a to f are one."
  if ! { [[ $wanted =~ ^([0-9a-f]{40}|[0-9a-f]{64})$ ]] && get "$wanted"; }; then
    # Where rev-parse looks for no names: a tag may be called like the beginning of another commit.
    get_all '+refs/heads/*:refs/hookline-all/heads/*' '+refs/tags/*:refs/hookline-all/tags/*' || fetch_failed "the git host refused; see above."
    hash=$(git rev-parse --quiet --verify "$wanted^{commit}") || fail "There is no commit $wanted in $HOOKLINE_SOURCE_URL."
    git update-ref "refs/hookline/$HOOKLINE_RELEASE_NAME" "$hash"
  fi
elif ! named "$ref"; then
  [ "$HOOKLINE_SOURCE_TYPE" = branch ] && ! grep -q "couldn't find remote ref" "$own/error" && fetch_failed "see above."
  fetch_failed "is there a $HOOKLINE_SOURCE_TYPE $HOOKLINE_SOURCE_REF?"
fi
hash=$(git rev-parse --verify "refs/hookline/$HOOKLINE_RELEASE_NAME^{commit}")
release=$app/releases/$HOOKLINE_RELEASE_NAME
mkdir "$release"
cd "$release"
export GIT_WORK_TREE=$release GIT_INDEX_FILE=$own/index.$HOOKLINE_RELEASE_NAME
trap 'rm -f "$GIT_INDEX_FILE"' EXIT
git read-tree --reset -u "$hash"
submodules() { git submodule --quiet sync --recursive && git submodule --quiet update --init --recursive --depth 1; }
submodule_failed() {
  [ -z "$HOOKLINE_GIT_ADDRESS" ] || fail "A submodule could not be fetched. To the machine of Hookline only those at $HOOKLINE_GIT_HOST can be, like the repository itself; deploy to a server for others."
  fail "A submodule could not be fetched."
}
if [ -f .gitmodules ]; then
  kept=$([ ! -d "$cache/modules" ] || echo yes)
  if ! submodules; then
    # One that has moved is still looked for at its old address, until it is cloned anew.
    [ -n "$kept" ] || submodule_failed
    echo "Trying again without what is known of the submodules."
    rm -rf "$cache/modules"
    find . -name .git -type f -delete
    submodules || submodule_failed
  fi
  find . -name .git -type f -delete
fi
[ -d "./$HOOKLINE_ROOT_DIRECTORY" ] || fail "There is no folder $HOOKLINE_ROOT_DIRECTORY in this commit; root_directory of the application names it."
report application_dir "$app"
report commit "$(git log -1 --no-show-signature --encoding=UTF-8 --format='%H%n%an%n%ae%n%cI%n%B' "$hash" | head -c 16000)"
git log -1 --no-show-signature --encoding=UTF-8 --format='Fetched %h by %an: %s' "$hash"
`;

export const activateScript = `${common}[ -d "$app" ] && app=$(cd "$app" && pwd -P)
own=$app/.hookline
release=releases/$HOOKLINE_RELEASE_NAME
[ -d "$app/$release" ] || fail "There is no release $HOOKLINE_RELEASE_NAME in $app on this machine. There are: $(ls "$app/releases" 2>/dev/null | tr '\\n' ' ')"
check_current
before=$(readlink "$app/current" || true)
mkdir -p -m 700 "$own"
link=$own/current.$$
ln -s "$release" "$link"
# One rename, so that there is no moment without a current release.
mv -fT "$link" "$app/current" 2>/dev/null || mv -fh "$link" "$app/current"
report application_dir "$app"
echo "$app/current -> $release\${before:+ (it was $before)}"
`;

export const pruneScript = `${common}command -v git >/dev/null || fail "git is not installed on this machine."
exec 9>"$own/lock"
! command -v flock >/dev/null || flock 9
${remove}[ ! -d "$own/source.git" ] || git --git-dir="$own/source.git" -c gc.autoDetach=false gc --auto --quiet 9>&- || true
echo "Kept: $(ls "$app/releases" | tr '\\n' ' ')"
`;
