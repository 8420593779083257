"""Targets on this host: small HTTP servers with a health that can be set, and requests at them."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Backend:
    """An HTTP server that answers with its name; `health` is the status of `/health`.

    Requests that come while `answers` is cleared are held until it is set.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.health = 200
        self.answers = threading.Event()
        self.answers.set()
        self.headers: dict[str, str] = {}
        self.check_headers: dict[str, str] = {}
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                health = self.path.startswith("/health")
                if health:
                    backend.check_headers = dict(self.headers)
                else:
                    backend.headers = dict(self.headers)
                    backend.answers.wait()
                body = backend.name.encode()
                self.send_response(backend.health if health else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 256
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Whoever asked has gone: a check that had its answer, or a test's end."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self.answers.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Load:
    """Requests from several threads until `stop`; half of them keep their connection."""

    def __init__(self, host: str, port: int, threads: int = 6) -> None:
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self._host, self._port = host, port
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=(number % 2 == 0,)) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def total(self) -> int:
        return sum(self.answers.values())

    def _run(self, keep: bool) -> None:
        connection: http.client.HTTPConnection | None = None
        number = 0
        while not self._stop.is_set():
            number += 1
            connection = connection or http.client.HTTPConnection(
                self._host, self._port, timeout=20
            )
            try:
                method = "POST" if number % 5 == 0 else "GET"
                connection.request(method, "/", headers={} if keep else {"Connection": "close"})
                answer = connection.getresponse()
                text = f"{answer.status} {answer.read().decode()}"
            except (OSError, http.client.HTTPException) as error:
                text = f"{method}: {error!r}"
            with self._lock:
                if text.startswith("200 "):
                    self.answers[text.removeprefix("200 ")] += 1
                else:
                    self.failures.append(text)
            if not keep or not text.startswith("200 ") or answer.will_close:
                connection.close()
                connection = None
        if connection is not None:
            connection.close()


def get(host: str, path: str = "/", port: int = 80, **headers: str) -> tuple[int, str]:
    """One request on a connection of its own: the status and the body."""
    connection = http.client.HTTPConnection(host, port, timeout=20)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait in this thread until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come to hold in time"
        time.sleep(0.02)
