#!/usr/bin/env bash
# Every attestation must be about $IMAGE@$DIGEST, and one each must hold the documents that go out with the release. Who
# signed them is for `gh attestation verify` to check.
set -euo pipefail

work="$RUNNER_TEMP/model-review"
for document in sbom.cdx.json comparison.json model-card.json; do
  bash "$GITHUB_ACTION_PATH/../setup/engine.sh" verify-attestation --bundle "$work/attested/attestations.jsonl" \
    --image="$IMAGE@$DIGEST" --predicate "$work/release/$document" || {
    code=$?
    echo "::error::what was attested is not this release ($document), so production stays as it is; the line above says why"
    exit "$code"
  }
done
