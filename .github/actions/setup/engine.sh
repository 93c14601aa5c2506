#!/usr/bin/env bash
# Run one verb of the engine: engine.sh VERB ARGUMENT...
# The engine is that of this action's own checkout, from its hashed lock. Nothing in the user's workspace or in the
# variables of earlier steps decides what is installed or imported.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
engine="${RUNNER_TEMP:?is set by the runner; on a laptop, name a scratch folder}/model-review/engine"

# Caches, indexes and how to reach them stay: they say where files come from; the hashes say which files these are.
for name in $(compgen -e | grep '^UV_' || true); do
  case "$name" in
    UV_CACHE_DIR | UV_DEFAULT_INDEX | UV_EXTRA_INDEX_URL | UV_FIND_LINKS | UV_KEYRING_PROVIDER | UV_INDEX | UV_INDEX_*) ;;
    UV_*CERT* | UV_NATIVE_TLS | UV_HTTP_*) ;;
    *) unset "$name" ;;
  esac
done
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV
export PYTHONSAFEPATH=1 PYTHONNOUSERSITE=1

install() (
  uv=$(command -v uv) || {
    echo "::error::uv is not on the PATH; run the setup action or astral-sh/setup-uv first"
    exit 2
  }
  # From the checkout's folder: uv, and a shim in place of python, read uv.toml and .python-version where they are called.
  cd "$root"
  "$uv" venv --quiet --clear --no-project --python '>=3.11' "$engine"
  "$uv" pip install --quiet --python "$engine/bin/python" --require-hashes --requirements requirements.lock
  "$uv" pip install --quiet --python "$engine/bin/python" --no-deps .
  touch "$engine/ready"
)

# A second action of the same job finds it ready.
[ -f "$engine/ready" ] || install >&2
exec "$engine/bin/model-review" "$@"
