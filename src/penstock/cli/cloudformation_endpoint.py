"""Which CloudFormation a command speaks to: our own server, AWS, or whatever answers at a URL."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
import urllib3
from botocore.config import Config
from botocore.exceptions import ProfileNotFound

from penstock.cli.connection import Connection, connect
from penstock.cli.refusal import Refusal

AWS = "aws"
"""What `--endpoint` calls AWS itself, in the region that the usual places name."""
_AWS_HOST = re.compile(r"(?:.+\.)?amazonaws\.com(?:\.cn)?|.+\.api\.aws")
_REGION_OF_HOST = re.compile(r"cloudformation(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws|api)\..+")
_HEALTH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class CloudFormationEndpoint:
    """`client` makes boto3 clients there by service; `own` is our server's connection, None where
    something else answers."""

    client: Callable[[str], Any]
    region: str
    name: str
    """The address as the user knows it."""
    own: Connection | None = None

    @property
    def cloudformation(self) -> Any:
        """A client of CloudFormation."""
        return self.client("cloudformation")


def cloudformation_endpoint(
    data_dir: Path | None,
    url: str | None,
    region: str | None = None,
    profile: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> CloudFormationEndpoint:
    """Find CloudFormation; without a URL it is the server that every other command finds.

    Elsewhere credentials come from where AWS's own tools look. Raises Refusal when nothing says
    where it is.
    """
    if url is None and profile is None:
        return _of_connection(connect(data_dir, environment), region)
    if url is not None and url != AWS:
        own = _connection_at(url, data_dir, environment)
        if own is not None and profile is None:
            return _of_connection(own, region)
    return _elsewhere(url or AWS, region, profile)


def _connection_at(
    url: str, data_dir: Path | None, environment: Mapping[str, str]
) -> Connection | None:
    """Return the connection that the other commands use, when it leads to this very URL."""
    try:
        found = connect(data_dir, environment)
    except Refusal:
        return None
    return found if found.endpoint_url.rstrip("/") == url.rstrip("/") else None


def _of_connection(connection: Connection, region: str | None) -> CloudFormationEndpoint:
    there = connection if region is None else replace(connection, region=region)
    own = there if _is_ours(there.endpoint_url) else None
    return CloudFormationEndpoint(there.client, there.region, there.endpoint_url, own)


def _is_ours(url: str) -> bool:
    """Tell whether a Penstock server answers there; no answer is for the first call to tell."""
    if _AWS_HOST.fullmatch(urlsplit(url).hostname or ""):
        return False
    try:
        answer = urllib3.request(
            "GET",
            f"{url.rstrip('/')}/_penstock/health",
            timeout=_HEALTH_SECONDS,
            retries=False,
        )
        found = answer.json() if answer.status == 200 else None
    except (urllib3.exceptions.HTTPError, ValueError):
        return False
    return isinstance(found, dict) and "version" in found


def _elsewhere(url: str, region: str | None, profile: str | None) -> CloudFormationEndpoint:
    host = "" if url == AWS else urlsplit(url).hostname
    if host is None or (url != AWS and urlsplit(url).scheme not in {"http", "https"}):
        raise Refusal(f"--endpoint expects `aws` or a URL as http://127.0.0.1:4600, found {url}")
    named = _REGION_OF_HOST.fullmatch(host)
    try:
        core = botocore.session.Session(profile=profile)
        core.get_scoped_config()  # boto3 does not ask for the profile where AWS_DATA_PATH is set
        session = boto3.Session(
            botocore_session=core, region_name=region or (named[1] if named else None)
        )
    except ProfileNotFound as error:
        raise Refusal(str(error)) from error
    if session.region_name is None:
        raise Refusal("no region: give --region, or set AWS_DEFAULT_REGION")
    is_aws = url == AWS or bool(_AWS_HOST.fullmatch(host))

    def client(service: str) -> Any:
        at_url = None if is_aws and (url == AWS or service != "cloudformation") else url
        own = {} if is_aws else {"s3": {"addressing_style": "path"}}
        return session.client(
            service,
            endpoint_url=at_url,
            config=Config(
                retries={"mode": "standard", "max_attempts": 5},
                connect_timeout=10,
                ignore_configured_endpoint_urls=True,  # AWS_ENDPOINT_URL names our server
                **own,
            ),
        )

    name = f"AWS, {session.region_name}" if url == AWS else url
    return CloudFormationEndpoint(client, session.region_name, name)
