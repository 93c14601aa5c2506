#!/usr/bin/env bash
# Start the image $IMAGE as production would, and probe it; it is stopped at the end, whatever the probe finds.
set -euo pipefail

engine=docker
if [ "$BUILDER" = buildah ]; then engine=podman; fi
command -v "$engine" >/dev/null || {
  echo "::error::$engine is not installed, so the image cannot be started (apt install podman)"
  exit 2
}
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
name=model-review-$port
# The trap ends the container: podman 4.3 was seen to wait 20 s for one that it had handed a signal to, and that had ended.
trap '"$engine" rm --force "$name" >/dev/null 2>&1 || true' EXIT

probe=$RUNNER_TEMP/model-review/probe.json
bash "$GITHUB_ACTION_PATH/../setup/engine.sh" probe --run run --out "$probe" --url "http://127.0.0.1:$port" \
  --image "$IMAGE" --container "$name" --start "$engine run --rm --sig-proxy=false --name $name --publish 127.0.0.1:$port:3000 \
  --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges $IMAGE" || {
  code=$?
  tail --lines 30 "$probe.log" >&2 || true
  echo "::error::the image did not pass its probe, so it is not handed on; the lines above say what is wrong"
  exit "$code"
}
