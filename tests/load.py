"""Bounded load on one URL: a few clients, each one request after the other, every answer kept.

Half of the clients keep their connection, the others open one for each request.
"""

import http.client
import json
import threading
import time
import urllib.parse
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self


@dataclass
class Load:
    """Runs while its block does; `answers` counts by `key` of the JSON answer."""

    url: str
    key: str
    clients: int = 4
    timeout_seconds: float = 10
    pause_seconds: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        for number in range(self.clients):
            thread = threading.Thread(target=self._ask, args=(number % 2 == 0,), daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(self.timeout_seconds + 5)

    @property
    def requests(self) -> int:
        """How many requests have ended, well or not."""
        return sum(self.answers.values()) + len(self.failures)

    def wait_for(self, requests: int, seconds: float) -> None:
        """Wait until so many requests have ended."""
        deadline = time.monotonic() + seconds
        while self.requests < requests:
            assert time.monotonic() < deadline, f"{self.requests} requests in {seconds} s"
            time.sleep(0.1)

    def _ask(self, keeps_connection: bool) -> None:
        place = urllib.parse.urlsplit(self.url)
        connection: http.client.HTTPConnection | None = None
        while not self._stop.is_set():
            if connection is None:
                connection = http.client.HTTPConnection(
                    place.hostname or "", place.port or 80, timeout=self.timeout_seconds
                )
            started = time.monotonic()
            try:
                connection.request("GET", place.path or "/")
                answer = connection.getresponse()
                body = answer.read()
                closing = answer.will_close
                outcome = f"{answer.status}: {body[:200]!r}"
                document: Any = json.loads(body) if answer.status == 200 else None
            except (OSError, http.client.HTTPException, ValueError) as error:
                outcome, document, closing = repr(error), None, True
            self._count(document, outcome, time.monotonic() - started)
            if not keeps_connection or closing:
                connection.close()
                connection = None
            if self.pause_seconds:
                time.sleep(self.pause_seconds)
        if connection is not None:
            connection.close()

    def _count(self, document: Any, outcome: str, seconds: float) -> None:
        with self._lock:
            self.slowest_seconds = max(self.slowest_seconds, seconds)
            if document is None:
                self.failures.append(outcome)
            else:
                self.answers[str(document[self.key])] += 1
