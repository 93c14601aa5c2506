#!/usr/bin/env bash
# Build the bento of the checked-out project: its code, the run's model, and the locked requirements of serving.
set -euo pipefail

[ -f uv.lock ] || {
  echo "::error file=uv.lock::uv.lock is missing, so nothing says which packages the image holds; run uv sync and commit it"
  exit 2
}
[ -f run/run.json ] || {
  echo "::error::there is no run to package; run the train action first"
  exit 2
}
# The environment of training holds BentoML as well; where a run was restored, what serving needs is installed now.
groups=(--frozen --no-default-groups --group sklearn-serving)
uv run "${groups[@]}" serving-requirements

export BENTOML_HOME="$RUNNER_TEMP/model-review/bentoml" BENTOML_DO_NOT_TRACK=True
rm -rf "$BENTOML_HOME" # a store of this job's own, so that the version is free
version=$(git rev-parse --short=12 HEAD)
built=$(uv run "${groups[@]}" bentoml build --version "$version" --output tag)
bento=${built##*__tag__:}
echo "bento=${bento%%$'\n'*}" | tee -a "$GITHUB_OUTPUT"
