"""Cookiecutter runs this, rendered, in the finished folder: put the inferred files in place and say what was found."""

import json
import sys

ANSWERS = json.loads(r"""{{ cookiecutter | jsonify }}""")  # JSON never holds three quotes in a row
sys.path.insert(0, ANSWERS["__template_root"] + "/hooks")

from finish import main  # noqa: E402 - importable only now

main(ANSWERS)
