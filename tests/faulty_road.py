"""A road to a vendor that fails as roads and vendors do, and heals.

A proxy on loopback: whoever speaks to it reaches the vendor's stand-in, until it is told to fail.
What fails never reaches the vendor, except where the answer is lost on its way back.
"""

import socket
import threading
from contextlib import suppress
from enum import Enum
from urllib.parse import urlsplit

from tests.vendors import _read, answer


class Fault(Enum):
    """How a road fails."""

    ERROR = "answers 500"
    BUSY = "answers 429"
    HANG = "never answers"
    REFUSE = "refuses connections"
    CUT = "cuts its answer short"
    LOST = "takes the call, and its answer is lost"


_SAID = {
    Fault.ERROR: answer(500, b"<html>oops</html>"),
    Fault.BUSY: answer(429, {"ok": False, "error": "ratelimited"}, Retry_After="45"),
    Fault.CUT: answer(200, b'{"ok": tr', cut=40),
}


class Road:
    """Leads from `url` to the server at `to`, for as long as it is entered."""

    def __init__(self, to: str) -> None:
        self.fault: Fault | None = None
        self.calls = 0
        self._to = urlsplit(to)
        self._door = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}{self._to.path}"
        self._hung: list[socket.socket] = []
        self.hanging = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Road":
        return self

    def __exit__(self, *_: object) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=10)
        self._door.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Close what hangs."""
        for each in self._hung:
            each.close()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._door.accept()
            except OSError:
                return
            self.calls += 1
            with suppress(OSError):
                self._lead(caller)

    def _lead(self, caller: socket.socket) -> None:
        """Lead one request; every connection carries one."""
        caller.settimeout(5)
        if self.fault is Fault.REFUSE:
            # The port must stay ours: accepted and reset before a byte is read.
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            caller.close()
            return
        request = _read(caller)
        if self.fault is Fault.HANG:
            self._hung.append(caller)
            self.hanging.set()
            return
        said = _SAID[self.fault] if self.fault in _SAID else self._ask(request)
        caller.sendall(said[:20] if self.fault is Fault.LOST else said)
        caller.close()

    def _ask(self, request: bytes) -> bytes:
        """Return what the vendor answers; its connection is closed, so ours is too."""
        head, _, body = request.partition(b"\r\n\r\n")
        kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        onward = b"\r\n".join([*kept, b"Connection: close"]) + b"\r\n\r\n" + body
        with socket.create_connection((self._to.hostname, self._to.port or 80), 5) as vendor:
            vendor.sendall(onward)
            received = b""
            while chunk := vendor.recv(65536):
                received += chunk
        return received
