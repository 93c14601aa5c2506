"""`uv run serve`: the service in one process, ready in half the time and half the memory that `bentoml serve` takes.

BentoML's supervisor imports the whole service before it starts a process that imports it again. One worker needs none:
whatever runs containers or programs starts it again where it ends. Several workers get BentoML's supervisor.
"""

import gc
import os
import signal
import socket
import sys
from typing import Any

from .. import ROOT, InputError, command
from . import settings


@command.line(
    host={"default": "127.0.0.1", "help": "the address to listen on (default: 127.0.0.1)"},
    port={"default": 3000, "type": int, "help": "the port to listen on (default: 3000)"},
)
def main(host: str, port: int) -> None:
    """Serve `run/model`; the README lists the settings, which are environment variables."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:  # before what is slow, so that a taken port is said at once
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        reason = str(getattr(error, "strerror", None) or error).partition(" (")[0]
        cure = "stop the program that has it, or choose another with --port"
        raise InputError(f"port {port} of {host} cannot be used: {reason}; {cure}") from None
    if settings.read().workers > 1:  # the call closes the socket
        call = ["-m", "bentoml", "serve", str(ROOT), "--host", host, "--port", str(port)]
        os.execv(sys.executable, [sys.executable, *call])
    for sign in (signal.SIGTERM, signal.SIGINT):  # uvicorn takes them later, and raises them when it has ended
        signal.signal(sign, lambda *_: sys.exit(0))
    print(f"http://{host}:{port}", flush=True)
    gc.disable()  # what is imported stays; `Service.start` turns it on again

    import uvicorn

    config = uvicorn.Config(application(), ws="none", access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[listening])


def application() -> Any:
    """The service as an ASGI application; its imports are what is slow about a start."""
    from ..service import SERVICE, Limits

    app = SERVICE.to_asgi()
    # First, so that a prediction does not pass through BentoML's tracing and its timer, which are for other services.
    app.user_middleware.sort(key=lambda layer: layer.cls is not Limits)
    return app


if __name__ == "__main__":
    main()
