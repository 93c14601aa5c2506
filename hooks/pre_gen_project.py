"""Cookiecutter runs this, rendered, in the new and empty folder: refuse, or infer everything from the table."""

import json
import sys

ANSWERS = json.loads(r"""{{ cookiecutter | jsonify }}""")  # JSON never holds three quotes in a row
sys.path.insert(0, ANSWERS["__template_root"] + "/hooks")

from infer import main  # noqa: E402 - importable only now

sys.exit(main(ANSWERS))
