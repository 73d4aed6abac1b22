"""A viewer without a browser: opens a page over Streamlit's websocket and keeps refreshing it.

`python -m bench.viewer --help`. Prints one line of JSON: see `Watched`.

What a browser does is done here too: the first run of a page, then each auto-refreshing fragment
at its interval, with the hashes of the messages it still holds, so that unchanged charts come as
references. What a browser draws is not measured.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bench.processes import cpu_seconds, resident_mb

PATIENCE_SECONDS = 60
# As long as a browser keeps a message that it does not see again, in runs of the script.
KEPT_RUNS = 2


class PageError(Exception):
    """The page did not draw; the message says what it drew instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a page or of a fragment, as its viewer saw it."""

    seconds: float
    payload_bytes: int
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a number of viewers saw, and what that took of the server.

    Attributes:
        first: The first run of each viewer, one after another.
        refreshes: Every refresh of every viewer.
        cpu_seconds: Of the server, while they refreshed; None when it is not known.
        elapsed_seconds: How long they refreshed.
        resident_mb: Of the server, at the end.
    """

    viewers: int
    first: list[Run]
    refreshes: list[Run]
    cpu_seconds: float | None
    elapsed_seconds: float
    resident_mb: float | None


@dataclass
class Viewer:
    """One open page.

    Attributes:
        fragments: The interval of each auto-refreshing fragment, in seconds.
        held: How many runs ago each message was last seen, by hash.
    """

    connection: ClientConnection
    page: str
    query: str
    fragments: dict[str, float] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    script: str = ""

    async def run(self, fragment: str = "") -> Run:
        """Run the page, or only a fragment of it, and return what that took.

        Raises:
            PageError: An exception was drawn, or nothing came in time.
        """
        ask = BackMsg()
        ask.rerun_script.query_string = self.query
        ask.rerun_script.page_name = self.page
        ask.rerun_script.page_script_hash = self.script
        ask.rerun_script.cached_message_hashes.extend(self.held)
        if fragment:
            ask.rerun_script.fragment_id = fragment
            ask.rerun_script.is_auto_rerun = True
        began = time.perf_counter()
        await self.connection.send(ask.SerializeToString())
        size = messages = 0
        seen: set[str] = set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                raw = await self.connection.recv()
                answer = ForwardMsg.FromString(
                    bytes(raw) if isinstance(raw, bytes) else raw.encode()
                )
                size, messages = size + len(raw), messages + 1
                seen.add(answer.ref_hash or answer.hash)
                self._read(answer)
                if answer.WhichOneof("type") == "script_finished":
                    break
        self._keep(seen)
        return Run(seconds=time.perf_counter() - began, payload_bytes=size, messages=messages)

    def _read(self, answer: ForwardMsg) -> None:
        match answer.WhichOneof("type"):
            case "auto_rerun":
                self.fragments[answer.auto_rerun.fragment_id] = answer.auto_rerun.interval
            case "new_session":
                self.script = answer.new_session.page_script_hash
            case "delta" if answer.delta.new_element.WhichOneof("type") == "exception":
                drawn = answer.delta.new_element.exception
                raise PageError(f"{self.page or 'the page'} drew {drawn.type}: {drawn.message}")

    def _keep(self, seen: set[str]) -> None:
        self.held = {one: age + 1 for one, age in self.held.items() if age < KEPT_RUNS}
        self.held.update(dict.fromkeys(seen - {""}, 0))


async def open_page(url: str, page: str, query: str) -> tuple[Viewer, Run]:
    """Return a viewer of a page that has drawn, and what the first run took."""
    host = urlsplit(url)
    connection = await connect(
        f"ws://{host.netloc}/_stcore/stream", subprotocols=[Subprotocol("streamlit")], max_size=None
    )
    viewer = Viewer(connection=connection, page=page, query=query)
    return viewer, await viewer.run()


async def watch(
    url: str, *, page: str, query: str, viewers: int, refreshes: int, server: psutil.Process | None
) -> Watched:
    """Return what `viewers` of a page saw in so many `refreshes` each, at the page's interval."""
    opened = [await open_page(url, page, query) for _ in range(viewers)]
    began, used = time.perf_counter(), cpu_seconds(server) if server else 0.0
    rounds = await asyncio.gather(
        *(
            _refresh(viewer, refreshes, late=index / viewers)
            for index, (viewer, _) in enumerate(opened)
        )
    )
    elapsed = time.perf_counter() - began
    watched = Watched(
        viewers=viewers,
        first=[first for _, first in opened],
        refreshes=[run for runs in rounds for run in runs],
        cpu_seconds=cpu_seconds(server) - used if server else None,
        elapsed_seconds=elapsed,
        resident_mb=resident_mb(server) if server else None,
    )
    await asyncio.gather(*(viewer.connection.close() for viewer, _ in opened))
    return watched


async def _refresh(viewer: Viewer, refreshes: int, *, late: float) -> list[Run]:
    """Refresh every fragment of a page; viewers came at different times, so each begins late."""
    if not viewer.fragments:
        raise PageError(f"{viewer.page or 'the page'} does not refresh by itself")
    interval = min(viewer.fragments.values())
    runs: list[Run] = []
    due = time.perf_counter() + late * interval
    for _ in range(refreshes):
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        runs += [await viewer.run(fragment) for fragment in viewer.fragments]
        due += interval
    return runs


def main(arguments: Sequence[str] | None = None) -> None:
    """Watch, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="http://127.0.0.1:8501")
    parser.add_argument("--page", default="", help="address of the page, such as dashboards")
    parser.add_argument("--query", default="", help="such as dashboard=service-health&range=7d")
    parser.add_argument("--viewers", type=int, default=1)
    parser.add_argument("--refreshes", type=int, default=5)
    parser.add_argument("--pid", type=int, help="of the server: what it used is measured too")
    options = vars(parser.parse_args(arguments))
    pid = options.pop("pid")
    watched = watch(**options, server=psutil.Process(pid) if pid else None)
    print(json.dumps(asdict(asyncio.run(watched))))


if __name__ == "__main__":
    main()
