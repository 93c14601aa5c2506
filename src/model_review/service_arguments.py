"""The arguments of the verbs that ask, release and roll back a service."""

import argparse
from pathlib import Path


def add_service_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verbs."""
    probe = verbs.add_parser("probe", help="ask a running service whether it is ready, right, strict and fast")
    probe.add_argument("--url", required=True, metavar="URL", help="where the service answers")
    probe.add_argument("--run", type=Path, metavar="DIR", help="the run directory whose model it serves")
    probe.add_argument("--expect", type=Path, metavar="FILE", help="without a run: an earlier probe.json of this model")
    probe.add_argument("--contract", type=Path, metavar="FILE", help="with --expect: the contract of that model")
    probe.add_argument("--out", required=True, type=Path, metavar="FILE", help="probe.json, written in any case")
    probe.add_argument("--wait", type=float, default=60.0, metavar="S", help="seconds until ready (default: 60)")
    probe.add_argument("--seconds", type=float, default=2.0, metavar="S", help="for each kind of load (default: 2)")
    probe.add_argument("--start", metavar="COMMAND", help="start the service with this, and stop it in the end")
    probe.add_argument("--pid", type=int, metavar="N", help="measure the memory of this process and its children")
    probe.add_argument("--container", metavar="NAME", help="measure the memory of this docker or podman container")
    probe.add_argument("--image", metavar="REF", help="note the size of this docker or podman image")
    probe.add_argument("--digest", metavar="SHA256", help="note that the image with this digest is what runs")
