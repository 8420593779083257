"""A provider of custom resources: a real HTTP subscriber of a topic, which answers by PUT."""

import contextlib
import json
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = dict[str, Any] | bytes | None


def put(url: str, body: bytes) -> int:
    """PUT as a presigned address takes it; the status."""
    request = urllib.request.Request(url, body, {"content-type": ""}, method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def succeeded(request: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The answer of a provider that keeps the resource's id, or makes it from its Name."""
    name = request["ResourceProperties"].get("Name", request["LogicalResourceId"])
    return {
        "Status": "SUCCESS",
        "PhysicalResourceId": request.get("PhysicalResourceId") or f"id-of-{name}",
        "StackId": request["StackId"],
        "RequestId": request["RequestId"],
        "LogicalResourceId": request["LogicalResourceId"],
        **more,
    }


def failed(request: dict[str, Any], reason: str, **more: Any) -> dict[str, Any]:
    return succeeded(request, Status="FAILED", Reason=reason, **more)


@dataclass
class Provider:
    """Answers each request as `answer` says; bytes as they are, None never."""

    url: str = ""
    answer: Callable[[dict[str, Any]], Answer] = succeeded
    requests: list[dict[str, Any]] = field(default_factory=list)
    arrived: "queue.Queue[dict[str, Any]]" = field(default_factory=queue.Queue)
    statuses: list[int] = field(default_factory=list)
    subscribe_urls: list[str] = field(default_factory=list)

    def kinds(self) -> list[tuple[str, str, str | None]]:
        """(request type, logical id, physical id) of every request so far."""
        return [
            (each["RequestType"], each["LogicalResourceId"], each.get("PhysicalResourceId"))
            for each in self.requests
        ]

    def take(self, request: dict[str, Any]) -> None:
        self.requests.append(request)
        self.arrived.put(request)
        answer = self.answer(request)
        if answer is not None:
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.statuses.append(put(request["ResponseURL"], body))


@contextlib.contextmanager
def provider() -> Iterator[Provider]:
    found = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()
            if body["Type"] == "SubscriptionConfirmation":
                found.subscribe_urls.append(body["SubscribeURL"])
            if body["Type"] == "Notification":
                threading.Thread(target=found.take, args=(json.loads(body["Message"]),)).start()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
