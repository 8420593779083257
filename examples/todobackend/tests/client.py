"""Calls the API that runs at TODO_URL."""

import http.client
import json
import os
import time
import urllib.parse

URL = urllib.parse.urlsplit(os.environ.get("TODO_URL", "http://127.0.0.1:8000"))


def call(method, path, body=None, raw=None):
    """Send one request; return the status and the answer's JSON (None without a body)."""
    connection = http.client.HTTPConnection(URL.hostname, URL.port, timeout=10)
    try:
        content = raw if raw is not None else (None if body is None else json.dumps(body))
        connection.request(method, path, content)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None
    finally:
        connection.close()


def wait_until_ready(seconds=60):
    """Return once the API says that it is well; raise after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if call("GET", "/health")[0] == 200:
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            raise TimeoutError(f"{URL.geturl()}/health is not 200 after {seconds} s")
        time.sleep(0.2)
