"""Where both alert managers page: a stand-in that writes down what came, and when."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ROUTING_KEY = "0123456789abcdef" * 2


@dataclass(slots=True)
class Pages:
    """What came in.

    Attributes:
        url: Of PagerDuty's Events API.
        first: By feature, when its first trigger came: seconds of the epoch.
        repeated: Triggers beyond the first of a feature.
    """

    url: str = ""
    first: dict[str, float] = field(default_factory=dict)
    repeated: int = 0

    def take(self, event: dict[str, Any], at: float) -> None:
        """Write down one event."""
        if event["event_action"] != "trigger":
            return
        details = event["payload"].get("custom_details", {})
        feature = details.get("feature") or details["labels"]["feature"]
        if feature in self.first:
            self.repeated += 1
        self.first.setdefault(feature, at)


@contextmanager
def pagerduty() -> Iterator[Pages]:
    """Take pages while the block lasts."""
    pages, lock = Pages(), threading.Lock()

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            at = time.time()
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                pages.take(event, at)
            body = json.dumps({"status": "success", "dedup_key": event["dedup_key"]}).encode()
            self.send_response(202)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing of each event."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        pages.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield pages
        finally:
            server.shutdown()
