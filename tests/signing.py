"""Requests signed by botocore, as the wire receives them."""

from datetime import UTC, datetime
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from penstock.aws.http import HttpRequest, http_request
from penstock.aws.payload import one_block

ACCESS_KEY_ID = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)


def sign(
    method: str = "POST",
    url: str = "http://localhost:4600/",
    *,
    body: bytes = b"{}",
    headers: dict[str, str] | None = None,
    service: str = "codepipeline",
    region: str = "us-east-1",
    secret: str = SECRET,
    key: Any = None,
    session_token: str | None = None,
    at: datetime = NOW,
    signer: str = "SigV4Auth",
    **options: Any,
) -> HttpRequest:
    """Return the request that botocore's `signer` signs at `at`, with `key` if given."""
    request = AWSRequest(method, url, data=body, headers=headers or {})
    credentials = Credentials(ACCESS_KEY_ID, secret, session_token)
    if key is not None:
        credentials = Credentials(key.access_key_id, key.secret_access_key, key.session_token)
    with mock.patch.object(
        botocore.auth, "get_current_datetime", return_value=at.replace(tzinfo=None)
    ):
        getattr(botocore.auth, signer)(credentials, service, region, **options).add_auth(request)
    return received(request)


def received(request: AWSRequest) -> HttpRequest:
    """Return what a server sees of a request that botocore is about to send."""
    prepared = request.prepare()
    parts = urlsplit(prepared.url)
    lowered = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in prepared.headers.items()
    }
    lowered.setdefault("host", parts.netloc)
    data = prepared.body or b""
    data = data.encode() if isinstance(data, str) else data
    return http_request(
        prepared.method, parts.path or "/", parts.query, lowered, one_block(data), parts.scheme
    )
