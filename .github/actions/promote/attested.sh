#!/usr/bin/env bash
# Every attestation must be about $IMAGE@$DIGEST; there must be one of where the image comes from, and one of its own type
# for each document that goes out with the release. Who signed them is for `gh attestation verify` to check.
set -euo pipefail

work="$RUNNER_TEMP/model-review"
check() { # NAME OPTION...
  bash "$GITHUB_ACTION_PATH/../setup/engine.sh" verify-attestation --bundle "$work/attested/attestations.jsonl" \
    --image="$IMAGE@$DIGEST" "${@:2}" || {
    code=$?
    echo "::error::what was attested is not this release ($1), so production stays as it is; the line above says why"
    exit "$code"
  }
}
# The types are those of actions/attest for provenance and CycloneDX, and those that release.yml gives it.
check provenance --type https://slsa.dev/provenance/v1
while read -r document type; do
  check "$document" --type "$type" --predicate "$work/release/$document" </dev/null
done <<'END'
sbom.cdx.json https://cyclonedx.org/bom
comparison.json https://github.com/model-review/model-review/comparison/v1
model-card.json https://github.com/model-review/model-review/model-card/v1
END
