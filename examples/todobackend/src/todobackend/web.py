"""The JSON API over HTTP.

GET /todos, POST /todos, DELETE /todos; GET, PATCH and DELETE /todos/ID;
GET /health; GET /version.
"""

import json
import re
import sqlite3
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from todobackend.requests import BadRequest, parse_change, parse_new
from todobackend.store import Store, Todo

_LARGEST_BODY = 64 * 1024
_ITEM = re.compile(r"/todos/(\d{1,15})")

Answer = tuple[HTTPStatus, Any]


class TodoServer(ThreadingHTTPServer):
    """Serves one store; `release` is what GET /version answers."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], store: Store, release: dict[str, str]) -> None:
        super().__init__(address, _Handler)
        self.store = store
        self.release = release


class _Handler(BaseHTTPRequestHandler):
    """One request: find the answer, send it as JSON."""

    server: TodoServer
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PATCH(self) -> None:
        self._answer("PATCH")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def _answer(self, method: str) -> None:
        try:
            status, document = self._route(method, self.path.split("?")[0], self._body())
        except BadRequest as error:
            status, document = HTTPStatus.BAD_REQUEST, {"error": str(error)}
        except sqlite3.Error as error:
            status, document = HTTPStatus.SERVICE_UNAVAILABLE, {"error": f"database: {error}"}
        self._send(status, document)

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > _LARGEST_BODY:
            self.close_connection = True
            raise BadRequest(f"expected a Content-Length of at most {_LARGEST_BODY} bytes")
        return self.rfile.read(int(length))

    def _route(self, method: str, path: str, body: bytes) -> Answer:
        if match := _ITEM.fullmatch(path):
            return self._item(method, int(match[1]), body)
        match method, path:
            case "GET", "/health":
                self.server.store.check()
                return HTTPStatus.OK, {"status": "ok"}
            case "GET", "/version":
                return HTTPStatus.OK, self.server.release
            case "GET", "/todos":
                return HTTPStatus.OK, [asdict(todo) for todo in self.server.store.all()]
            case "POST", "/todos":
                fields = parse_new(body)
                assert fields.title is not None
                todo = self.server.store.add(fields.title, fields.order)
                return HTTPStatus.CREATED, asdict(todo)
            case "DELETE", "/todos":
                self.server.store.clear()
                return HTTPStatus.NO_CONTENT, None
            case _, "/health" | "/version" | "/todos":
                return HTTPStatus.METHOD_NOT_ALLOWED, {"error": f"{path} does not take {method}"}
        return HTTPStatus.NOT_FOUND, {"error": f"nothing is at {path}"}

    def _item(self, method: str, todo_id: int, body: bytes) -> Answer:
        found: Todo | None = None
        match method:
            case "GET":
                found = self.server.store.get(todo_id)
            case "PATCH":
                found = self.server.store.change(todo_id, **asdict(parse_change(body)))
            case "DELETE":
                if self.server.store.remove(todo_id):
                    return HTTPStatus.NO_CONTENT, None
            case _:
                return HTTPStatus.METHOD_NOT_ALLOWED, {"error": f"an item does not take {method}"}
        if found is None:
            return HTTPStatus.NOT_FOUND, {"error": f"there is no item {todo_id}"}
        return HTTPStatus.OK, asdict(found)

    def _send(self, status: HTTPStatus, document: Any) -> None:
        content = b"" if status is HTTPStatus.NO_CONTENT else json.dumps(document).encode()
        self.send_response(status)
        if content:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
