#!/usr/bin/env bash
# Write the image $IMAGE into a folder, and the documents of its release into another.
set -euo pipefail

engine="$GITHUB_ACTION_PATH/../setup/engine.sh"
work="$RUNNER_TEMP/model-review"
command -v skopeo >/dev/null || {
  echo "::error::skopeo is not installed, so the image cannot be written into files (apt install skopeo)"
  exit 2
}
case $BUILDER in
  docker)
    # By a file: skopeo's and the engine's versions need not know each other.
    docker save --output "$work/image.tar" "$IMAGE"
    from="docker-archive:$work/image.tar"
    ;;
  buildah) from="containers-storage:$IMAGE" ;;
  *)
    echo "::error::builder is \"$BUILDER\"; docker and buildah are known"
    exit 2
    ;;
esac
rm -rf "$work/image" "$work/release"
mkdir -p "$work/release"
skopeo copy --quiet --dest-compress "$from" "dir:$work/image"
rm -f "$work/image.tar"
digest=sha256:$(sha256sum "$work/image/manifest.json" | cut -d ' ' -f 1)
bash "$engine" sbom --folder "$work/image" --requirements requirements.serve.txt --out "$work/release/sbom.cdx.json"
bash "$engine" card --run run --comparison "$work/review/comparison.json" --verdict "$work/review/verdict.json" \
  --probe "$work/probe.json" --image "${IMAGE%:*}@$digest" --out "$work/release"
cp "$work/review/comparison.json" "$work/review/verdict.json" "$work/review/report.md" "$work/release"
cp "$work/probe.json" run/contract.yaml "$work/release"
# An attestation's predicate is JSON.
jq --raw-input --slurp '{schema: "model-review/card@1", markdown: .}' "$work/release/MODEL_CARD.md" >"$work/release/model-card.json"
