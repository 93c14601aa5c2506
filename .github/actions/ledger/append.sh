#!/usr/bin/env bash
# Append one look to ledger.jsonl on the orphan branch model-review, and store a picture where one is asked for.
# Two jobs that race: the later one starts again.
set -euo pipefail

engine="$(dirname "${BASH_SOURCE[0]}")/../setup/engine.sh"
scratch=$(mktemp -d "${RUNNER_TEMP:?}/ledger.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
remote="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY"
look=${LOOK?is set by the action} figure=${FIGURE:-}
# In variables, so that the token is in no command line and in no file.
if [ -n "${TOKEN:-}" ]; then
  header="AUTHORIZATION: basic $(printf 'x-access-token:%s' "$TOKEN" | base64 | tr -d '\n')"
  export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.$GITHUB_SERVER_URL/.extraheader" GIT_CONFIG_VALUE_0="$header"
fi
unset LOOK FIGURE TOKEN
export GIT_TERMINAL_PROMPT=0

for attempt in 1 2 3 4 5; do
  copy="$scratch/$attempt"
  git init --quiet "$copy"
  if git -C "$copy" ls-remote --exit-code "$remote" refs/heads/model-review >/dev/null; then
    git -C "$copy" fetch --quiet --depth 1 "$remote" refs/heads/model-review
    git -C "$copy" checkout --quiet -B model-review FETCH_HEAD
  else
    [ $? -eq 2 ] || exit 1 # 2: there is no such branch yet
    git -C "$copy" checkout --quiet --orphan model-review
  fi
  run=(env -u GIT_CONFIG_COUNT -u GIT_CONFIG_VALUE_0 bash "$engine")
  # Two sides that answer alike are no look, and leave no file.
  [ -z "$look" ] || "${run[@]}" ledger append --ledger "$copy/ledger.jsonl" --look "$look"
  [ -z "$figure" ] || "${run[@]}" figure --figure "$figure" --out "$copy/figures"
  git -C "$copy" add --all -- ':!*.lock'
  if git -C "$copy" diff --cached --quiet; then exit 0; fi
  git -C "$copy" -c user.name='github-actions[bot]' \
    -c user.email='41898282+github-actions[bot]@users.noreply.github.com' commit --quiet --message 'One look'
  if git -C "$copy" push --quiet "$remote" HEAD:refs/heads/model-review; then exit 0; fi
  sleep "$((attempt * 2))"
done
echo "::error::the ledger could not be pushed in five attempts"
exit 1
