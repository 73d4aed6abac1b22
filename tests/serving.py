"""Real HTTP for the programs under `examples/`: ASGI apps in a thread, on a port of their own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

PATIENCE_SECONDS = 10


class Stage:
    """A server whose application is changed between tests: starting one for each is slow."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None
        self.url = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: object = None) -> None:
        await super().startup()
        self.listens.set()


@contextmanager
def serve(app: ASGIApp) -> Iterator[str]:
    """Serve `app`, its lifespan included, and yield its address."""
    with _serving(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical")) as url:
        yield url


@contextmanager
def stage() -> Iterator[Stage]:
    """Serve whatever is put on the stage; lifespans are not run."""
    found = Stage()
    config = uvicorn.Config(found, host="127.0.0.1", port=0, log_level="critical", lifespan="off")
    with _serving(config) as url:
        found.url = url
        yield found


@contextmanager
def _serving(config: uvicorn.Config) -> Iterator[str]:
    server = _Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        assert server.listens.wait(PATIENCE_SECONDS), "the server did not start"
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(PATIENCE_SECONDS)
