"""What a pull request can change of all that determines a run, by the file that it stands in."""

from typing import Literal

Kind = Literal["code", "contract", "data", "dependencies", "parameters"]
# The contract's table is data, wherever it lies; any other file is code.
OF_FILE: dict[str, Kind] = {
    ".python-version": "dependencies",
    "contract.yaml": "contract",
    "params.yaml": "parameters",
    "uv.lock": "dependencies",
}
