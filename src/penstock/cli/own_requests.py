"""Requests to the server's own addresses (`/_penstock/…`), signed with the connection's key."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import botocore.auth
import urllib3
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from penstock.cli.connection import Connection
from penstock.cli.refusal import Refusal

_TIMEOUT_SECONDS = 30


def ask(
    connection: Connection,
    path: str,
    query: Mapping[str, str] | None = None,
    *,
    body: bytes | None = None,
) -> Any:
    """Return the JSON that the server answers with: to a POST of `body`, to a GET without one.

    Raises Refusal with the server's own words, or when nothing of ours answers there.
    """
    from penstock.aws.own_requests import SIGNING_NAME

    method = "GET" if body is None else "POST"
    url = connection.endpoint_url.rstrip("/") + path
    if query:
        url += f"?{urlencode(query)}"
    headers = {} if body is None else {"Content-Type": "application/json"}
    request = AWSRequest(method, url, data=body, headers=headers)
    credentials = Credentials(
        connection.access_key_id, connection.secret_access_key, connection.session_token
    )
    botocore.auth.SigV4Auth(credentials, SIGNING_NAME, connection.region).add_auth(request)
    try:
        answer = urllib3.request(
            method,
            url,
            body=body,
            headers=dict(request.headers.items()),
            timeout=_TIMEOUT_SECONDS,
            retries=False,
        )
        found = json.loads(answer.data)
        if answer.status == 200:
            return found
        reason = found["message"]
    except urllib3.exceptions.HTTPError as error:
        raise Refusal(
            f"no server answers at {connection.endpoint_url}; start it: penstock serve "
            "--data-dir DIR"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal(f"{url} did not answer as a Penstock server does") from error
    raise Refusal(f"the server refused: {reason}")
