#!/usr/bin/env bash
# Train the checked-out project, in its own environment.
set -euo pipefail

if [ -f uv.lock ]; then
  uv sync --frozen --no-dev --group train
else
  echo "::warning file=pyproject.toml::uv.lock is missing, so the libraries are resolved anew; run uv sync and commit uv.lock"
  uv sync --no-dev --group train
fi
rm -rf run # a review is of what the workflow makes, never of committed files
uv run --no-sync train
