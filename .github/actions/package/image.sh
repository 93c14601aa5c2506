#!/usr/bin/env bash
# Build the image of the bento $BENTO by the project's own recipe, with labels that say what is in it.
set -euo pipefail

workspace=$PWD
if [ -z "$IMAGE" ]; then
  IMAGE=$(sed -nE '/^\[tool\.model-review\]/,/^\[/s/^image *= *"(.+)"$/\1/p' pyproject.toml)
fi
[[ $IMAGE =~ ^[a-z0-9][a-z0-9._-]*(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)*$ ]] || {
  echo "::error::\"$IMAGE\" is no name of an image; give lower-case letters, digits and . _ - between slashes, without a tag"
  exit 2
}
image=$IMAGE:$(git rev-parse HEAD)

if [ -z "$BUILDER" ]; then
  if docker version >/dev/null 2>&1; then BUILDER=docker; else BUILDER=buildah; fi
fi
case $BUILDER in
  docker) options=() ;;
  # Layers: a new model reuses the packages' layer. Docker's format: OCI's has no health check. A fixed time: the same
  # bento gives the same digest; when it was made is a label.
  buildah) options=(--opt layers --opt format=docker --opt timestamp=0) ;;
  *)
    echo "::error::builder is \"$BUILDER\"; docker and buildah are known"
    exit 2
    ;;
esac
command -v "$BUILDER" >/dev/null || {
  echo "::error::$BUILDER is not installed, so no image can be built; install docker or buildah (apt install buildah podman)"
  exit 2
}

if [ -n "$BASE_IMAGE" ]; then
  from=$(sed -nE '1,/^FROM /s/^FROM ([^ ]+) .*/\1/p' Dockerfile)
  options+=(--opt "build-context=$from=docker-image://$BASE_IMAGE")
fi
labels=$(bash "$GITHUB_ACTION_PATH/../setup/engine.sh" labels --run run)
while IFS= read -r label; do options+=(--opt "label=$label"); done <<<"$labels"

export BENTOML_HOME="$RUNNER_TEMP/model-review/bentoml" BENTOML_DO_NOT_TRACK=True
ids=$RUNNER_TEMP/model-review/image-id
# BentoML 1.4.39 reads the recipe only from below the folder where it is called, and copies it to the temporary folder:
# https://github.com/bentoml/BentoML/issues/5566
cd "${TMPDIR:-/tmp}"
uv run --project "$workspace" --frozen --no-sync bentoml containerize "$BENTO" --backend "$BUILDER" --image-tag "$image" \
  --opt "iidfile=$ids" "${options[@]}"
{
  echo "image=$image"
  echo "id=$(cat "$ids")"
  echo "builder=$BUILDER"
} | tee -a "$GITHUB_OUTPUT"
