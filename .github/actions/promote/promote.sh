#!/usr/bin/env bash
# Move production to $DIGEST of $IMAGE, by the log that GitHub keeps.
set -euo pipefail

engine="$GITHUB_ACTION_PATH/../setup/engine.sh"
work="$RUNNER_TEMP/model-review"
GITHUB_OUTPUT='' bash "$engine" deployed --image="$IMAGE" --out "$work/records" # the log as it is now
unset GITHUB_TOKEN
options=(--probe "$work/staged/probe.json" --log "$work/records/promotions.jsonl")
if [ "$ROLLBACK" = true ]; then
  bash "$engine" rollback --image="$IMAGE" --to="$DIGEST" "${options[@]}"
else
  if [ -n "$AFTER" ]; then options+=("--after=$AFTER"); fi
  bash "$engine" promote --image="$IMAGE@$DIGEST" --verdict "$work/release/verdict.json" "${options[@]}"
fi
