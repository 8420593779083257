"""A CloudFormation that is not ours: a real HTTP server that answers the query protocol in XML.

Its answers have the shapes that AWS was recorded giving, on pages and made in the background, or
those of a server that tells less. What it was asked is remembered.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore import xform_name

PLACE = "arn:aws:cloudformation:eu-west-1:123456789012"
STACK_ID = f"{PLACE}:stack/shop/1111"
ARN = f"{PLACE}:changeSet/preview/2222"
NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)


def xml(name: str, value: Any) -> str:
    """Return an element; lists have members, None is left out."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        inner = "".join(xml(key, each) for key, each in value.items())
    elif isinstance(value, list):
        inner = "".join(xml("member", each) for each in value)
    else:
        inner = escape(str(value))
    return f"<{name}>{inner}</{name}>"


class ForeignCloudFormation:
    """One stack at most, one change set at a time. `pages` are those of its Changes."""

    def __init__(self) -> None:
        self.stack: dict[str, Any] | None = None
        self.pages: dict[bool, list[list[dict[str, Any]]]] = {False: [[]], True: [[]]}
        """By whether property values were asked for."""
        self.described: dict[str, Any] = {}
        """More of DescribeChangeSet's members."""
        self.statuses = ["CREATE_PENDING", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
        """What the change set's status is, call for call; the last one stays."""
        self.refuses: dict[str, tuple[str, str]] = {}
        """By operation: an error's code and message."""
        self.change_set: str | None = None
        self.asked: list[dict[str, str]] = []
        self.objects: dict[str, bytes] = {}
        self.url = ""

    def of(self, operation: str) -> list[dict[str, str]]:
        """Return what an operation was asked."""
        return [each for each in self.asked if each["Action"] == operation]

    def answer(self, request: dict[str, str]) -> tuple[int, str]:
        """Return the status and body that a request gets."""
        operation = request["Action"]
        self.asked.append(request)
        error = self.refuses.get(operation)
        found = None if error else getattr(self, f"_{xform_name(operation)}")(request)
        if isinstance(found, tuple):
            error, found = found, None
        if error:
            told = {"Error": {"Type": "Sender", "Code": error[0], "Message": error[1]}}
            return 400, xml("ErrorResponse", {**told, "RequestId": "r"})
        inner = {f"{operation}Result": found, "ResponseMetadata": {"RequestId": "r"}}
        return 200, xml(f"{operation}Response", inner)

    def _describe_stacks(self, request: dict[str, str]) -> Any:
        if self.stack is None:
            return "ValidationError", f"Stack with id {request['StackName']} does not exist"
        return {"Stacks": [{"StackId": STACK_ID, "StackName": "shop", **self.stack}]}

    def _create_change_set(self, request: dict[str, str]) -> Any:
        self.change_set = request["ChangeSetName"]
        if self.stack is None:
            self.stack = {"StackStatus": "REVIEW_IN_PROGRESS"}
        return {"Id": ARN, "StackId": STACK_ID}

    def _describe_change_set(self, request: dict[str, str]) -> Any:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        pages = self.pages[request.get("IncludePropertyValues") == "true"]
        number = int(request.get("NextToken", 0))
        more = str(number + 1) if number + 1 < len(pages) else None
        names = {"ChangeSetName": self.change_set, "ChangeSetId": ARN, "StackName": "shop"}
        told = {"Status": status, "StackId": STACK_ID, "NextToken": more}
        return {**names, **told, "Changes": pages[number], **self.described}

    def _list_change_sets(self, request: dict[str, str]) -> Any:
        return {"Summaries": [{"ChangeSetId": ARN}] if self.change_set else []}

    def _delete_change_set(self, request: dict[str, str]) -> Any:
        if self.statuses[0].endswith("_IN_PROGRESS"):
            self.statuses.pop(0)
            return "InvalidChangeSetStatus", f"{ARN} is in CREATE_IN_PROGRESS"
        self.change_set = None
        return {}

    def _delete_stack(self, request: dict[str, str]) -> Any:
        self.stack = None
        return {}


@contextmanager
def serving(there: ForeignCloudFormation) -> Iterator[ForeignCloudFormation]:
    """Serve it on a port of its own; S3's objects are taken on the same one."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, text = there.answer(dict(parse_qsl(body, keep_blank_values=True)))
            self._send(status, text.encode())

        def do_PUT(self) -> None:
            there.objects[self.path] = self._content()
            self._send(200, b"")

        def do_DELETE(self) -> None:
            there.asked.append({"Action": "DeleteObject", "Path": self.path})
            self._send(204, b"")

        def do_GET(self) -> None:
            self._send(404, b"not here")

        def _content(self) -> bytes:
            if "chunked" not in self.headers.get("Transfer-Encoding", ""):
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            content = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return content

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        there.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield there
        finally:
            server.shutdown()
            thread.join()
