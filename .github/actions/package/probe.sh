#!/usr/bin/env bash
# Start the image $IMAGE as production would, and probe it; it is stopped at the end, whatever the probe finds.
set -euo pipefail

engine=docker
if [ "$BUILDER" = buildah ]; then engine=podman; fi
command -v "$engine" >/dev/null || {
  echo "::error::$engine is not installed, so the image cannot be started (apt install podman)"
  exit 2
}
container=$("$engine" run --detach --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
  --publish 127.0.0.1::3000 "$IMAGE")
trap '"$engine" rm --force "$container" >/dev/null' EXIT
address=$("$engine" port "$container" 3000)
url=http://${address%%$'\n'*}

for _ in $(seq 600); do
  curl --silent --fail --noproxy '*' --output /dev/null "$url/readyz" && break
  sleep 0.1
done
curl --silent --fail --noproxy '*' --output /dev/null "$url/readyz" || {
  echo "::error::the image did not become ready within a minute; its last lines:"
  "$engine" logs --tail 20 "$container" >&2
  exit 1
}
curl --silent --show-error --fail-with-body --noproxy '*' --header 'Content-Type: application/json' \
  --data @tests/example-request.json "$url/predict"
echo
