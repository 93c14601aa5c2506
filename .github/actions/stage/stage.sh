#!/usr/bin/env bash
# Pull $IMAGE (by digest), start it as production would, and probe it against what it was released with.
set -euo pipefail

work="$RUNNER_TEMP/model-review"
engine=podman
if docker version >/dev/null 2>&1; then engine=docker; fi
command -v "$engine" >/dev/null || {
  echo "::error::neither docker nor podman is there, so the image cannot be started (apt install podman)"
  exit 2
}
host=${IMAGE%%/*}
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
name=model-review-$port
# The trap ends the container: podman 4.3 was seen to wait 20 s for one that it had handed a signal to, and that had ended.
trap '"$engine" rm --force "$name" >/dev/null 2>&1 || true; "$engine" logout "$host" >/dev/null 2>&1 || true' EXIT
if [[ ${host%:*} =~ ^(127\.0\.0\.1|localhost)$ ]]; then
  # A registry on this machine: plain HTTP, which docker takes for granted.
  options=()
  if [ "$engine" = podman ]; then options=(--tls-verify=false); fi
else
  options=()
  printf '%s' "$PASSWORD" | "$engine" login --username "$USERNAME" --password-stdin "$host" >/dev/null
fi
unset PASSWORD
"$engine" pull --quiet "${options[@]}" "$IMAGE"
mkdir -p "$work/staged"
bash "$GITHUB_ACTION_PATH/../setup/engine.sh" probe --expect "$work/stage/probe.json" --contract "$work/stage/contract.yaml" \
  --url "http://127.0.0.1:$port" --out "$work/staged/probe.json" --image "$IMAGE" --container "$name" \
  --start "$engine run --rm --sig-proxy=false --name $name --publish 127.0.0.1:$port:3000 --read-only --tmpfs /tmp --cap-drop ALL \
  --security-opt no-new-privileges $IMAGE" || {
  code=$?
  echo "::error::$IMAGE did not pass its probe in staging, so production stays as it is; the lines above say what is wrong"
  exit "$code"
}
rm -f "$work/staged/probe.json.log"
