"""`uv run serving-requirements`: what serving the last run needs, from uv.lock, each with its hashes.

The one place that knows the difference between the flavours: a model kept in scikit-learn's form needs the group
`sklearn-serving` too. Development and training groups are left out by name; `--no-dev` alone would keep training's.
"""

import subprocess

from .. import ROOT, InputError, command
from . import settings

EXPORT = "uv export --frozen --no-default-groups --no-emit-project --no-header --no-annotate --quiet"
FILE = "requirements.serve.txt"


@command.line()
def main() -> None:
    """Write `requirements.serve.txt`, which bentofile.yaml names."""
    form = settings.run(settings.read().model)["model"]["format"]
    groups = [] if form == "onnx" else ["--group", "sklearn-serving"]
    done = subprocess.run([*EXPORT.split(), *groups, "--output-file", FILE], cwd=ROOT, check=False)
    if done.returncode:
        raise InputError("uv.lock cannot be exported, see above; run `uv sync` first")
    print(f"{FILE}: what serving a model in {form} format needs")
