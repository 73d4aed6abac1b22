"""A server that answers bytes, whatever they are: hanging, dripping, cut off, or no HTTP at all."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Answer = Callable[[socket.socket], None]


@contextmanager
def raw(answer: Answer) -> Iterator[str]:
    """Serve `answer` to every connection; yield the place. Connections close when it returns."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def one(connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                answer(connection)
            except OSError:
                pass  # the client went away, which is what is tested

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=one, args=(connection,), daemon=True))
            threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(5)
        for thread in threads:
            thread.join(5)


def text(body: bytes, *, status: str = "200 OK", headers: str = "", length: int = 0) -> Answer:
    """Return an answer of HTTP; `length` claims more than there is."""

    def answer(connection: socket.socket) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {length or len(body)}\r\n{headers}"
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode() + body)

    return answer


def silent(seconds: float) -> Answer:
    """Return an answer that never comes, within `seconds` or until the client goes."""

    def answer(connection: socket.socket) -> None:
        connection.settimeout(seconds)
        while connection.recv(65536):
            pass

    return answer


def dripping(seconds: float) -> Answer:
    """Return an answer of which a byte comes every 20 ms."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        waiting = threading.Event()
        for _ in range(round(seconds * 50)):
            connection.sendall(b" ")
            waiting.wait(0.02)

    return answer
