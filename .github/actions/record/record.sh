#!/usr/bin/env bash
# Add one line to promotions.jsonl on the orphan branch model-review, and the probe; two jobs that race: the later one
# starts again, and asks again what is in production. Then the GitHub Release.
set -euo pipefail

engine="$GITHUB_ACTION_PATH/../setup/engine.sh"
work="$RUNNER_TEMP/model-review"
scratch=$(mktemp -d "$RUNNER_TEMP/record.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
remote="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY"
token=${TOKEN:-}
printf '%s\n' "${LINE:?is set by the action}" >"$scratch/line.json"
# In variables, so that the token is in no command line and in no file.
if [ -n "$token" ]; then
  header="AUTHORIZATION: basic $(printf 'x-access-token:%s' "$token" | base64 | tr -d '\n')"
  export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.$GITHUB_SERVER_URL/.extraheader" GIT_CONFIG_VALUE_0="$header"
fi
unset LINE TOKEN
export GIT_TERMINAL_PROMPT=0

pushed=false
for attempt in 1 2 3 4 5; do
  copy="$scratch/$attempt"
  git init --quiet "$copy"
  code=0
  git -C "$copy" ls-remote --exit-code "$remote" refs/heads/model-review >/dev/null || code=$?
  case $code in
    0)
      git -C "$copy" fetch --quiet --depth 1 "$remote" refs/heads/model-review
      git -C "$copy" checkout --quiet -B model-review FETCH_HEAD
      ;;
    2) git -C "$copy" checkout --quiet --orphan model-review ;; # there is no such branch yet
    *) exit 1 ;;
  esac
  env -u GIT_CONFIG_COUNT -u GIT_CONFIG_VALUE_0 bash "$engine" record --line "$scratch/line.json" --log "$copy/promotions.jsonl"
  rm -f "$copy/promotions.jsonl.lock"
  digest=$(jq --raw-output .digest "$scratch/line.json") # the engine checked its form
  # A release that was made before and is run again may have probed another build of its commit.
  probed=$(jq --raw-output .image.digest "$work/staged/probe.json")
  if [ "$(jq --raw-output .action "$scratch/line.json")" = promote ] && [ "$probed" = "$digest" ]; then
    mkdir -p "$copy/probes"
    cp "$work/staged/probe.json" "$copy/probes/${digest/:/-}.json"
  fi
  git -C "$copy" add --all
  if git -C "$copy" diff --cached --quiet; then
    pushed=true
    break
  fi
  git -C "$copy" -c user.name='github-actions[bot]' \
    -c user.email='41898282+github-actions[bot]@users.noreply.github.com' commit --quiet --message "In production: $digest"
  if git -C "$copy" push --quiet "$remote" HEAD:refs/heads/model-review; then
    pushed=true
    break
  fi
  sleep "$((attempt * 2))"
done
[ "$pushed" = true ] || {
  echo "::error::the promotion log could not be pushed in five attempts; run this job again"
  exit 1
}
GITHUB_TOKEN=$token bash "$engine" release-note --line "$scratch/line.json" --card "$work/release/MODEL_CARD.md" \
  --report "$work/release/report.md"
