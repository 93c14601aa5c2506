"""The model that is served, its run, contract and settings: loaded once, or refused with one sentence."""

import json
import os
import sys

from .. import InputError, artifact
from ..contract import load_contract
from . import metrics, predictor, request, settings

# As in the image: a request is too little work for several threads, and those that wait for more take a core each.
os.environ.setdefault("OMP_NUM_THREADS", "1")
try:
    SETTINGS = settings.read()
    RUN = settings.run(SETTINGS.model)
    PREDICT = predictor.load(SETTINGS.model, RUN["model"]["format"], RUN["model"]["digest"])
    CONTRACT = load_contract(SETTINGS.model.parent / "contract.yaml")
except InputError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)
FACTS = artifact.facts(SETTINGS.model)
CLASSES, POSITIVE = FACTS["classes"], FACTS["positive_class"]
READER = request.Reader(CONTRACT, FACTS["features"].raw, SETTINGS.rows)
LOGGED = [field.column.name for field in READER.fields if not field.column.restricted]  # personal data are left out
EXAMPLE = json.loads((SETTINGS.model / "example.json").read_text(encoding="utf-8"))
DRIFT = metrics.Drift(CONTRACT, LOGGED, settings.profile(SETTINGS.model))
