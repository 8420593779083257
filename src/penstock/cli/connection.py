"""Which server a command talks to, and with whose credentials.

`--data-dir` names it; else AWS_ENDPOINT_URL and the AWS variables do (as `penstock env` sets
them); else the default data directory.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import boto3
import botocore.session
import typer
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
)

from penstock.cli.refusal import Refusal

DEFAULT_DATA_DIR = Path("~/.penstock/data")

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="PENSTOCK_DATA_DIR",
        help="The server's data directory.",
        show_default=str(DEFAULT_DATA_DIR),
    ),
]


@dataclass(frozen=True, slots=True)
class Connection:
    """A server's address and the credentials to use there."""

    endpoint_url: str
    region: str
    account_id: str
    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def client(self, service: str) -> Any:
        """Return a boto3 client of the server."""
        return _session().client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=self.region,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            aws_session_token=self.session_token,
            config=Config(
                retries={"max_attempts": 2}, connect_timeout=5, s3={"addressing_style": "path"}
            ),
        )

    def environment(self) -> dict[str, str]:
        """Return the variables that point AWS's own tools at the server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCOUNT_ID": self.account_id,
        }


def _session() -> boto3.Session:
    """Return a session that reads none of the user's AWS profiles: they are for real accounts."""
    nothing = (None, None, os.devnull, None)
    variables = {
        "profile": (None, None, None, None),
        "config_file": nothing,
        "credentials_file": nothing,
    }
    return boto3.Session(botocore_session=botocore.session.Session(session_vars=variables))


def directory(data_dir: Path | None) -> Path:
    """Return the data directory to use, absolute."""
    return (data_dir or DEFAULT_DATA_DIR).expanduser().absolute()


def connect(data_dir: Path | None, environment: Mapping[str, str] = os.environ) -> Connection:
    """Find the server; raise Refusal when nothing says where it is."""
    if data_dir is None and environment.get("AWS_ENDPOINT_URL"):
        return _from_environment(environment)
    return from_data_dir(directory(data_dir))


def from_data_dir(path: Path) -> Connection:
    """Return the root connection to the server that runs, or last ran, on `path`."""
    file = path / "root-credentials.json"
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        return Connection(
            endpoint_url=stored["Endpoint"],
            region=stored["Region"],
            account_id=stored["AccountId"],
            access_key_id=stored["AccessKeyId"],
            secret_access_key=stored["SecretAccessKey"],
        )
    except FileNotFoundError as error:
        raise Refusal(
            f"no server has run on {path} yet; start one: penstock serve --data-dir {path}"
        ) from error
    except PermissionError as error:
        raise Refusal(f"{file} may be read by its owner only: run this as that user") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal(f"{file} is not what a server writes: {error!r}") from error


def _from_environment(environment: Mapping[str, str]) -> Connection:
    try:
        return Connection(
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            region=environment.get("AWS_REGION") or environment["AWS_DEFAULT_REGION"],
            account_id=environment.get("AWS_ACCOUNT_ID", ""),
            access_key_id=environment["AWS_ACCESS_KEY_ID"],
            secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            session_token=environment.get("AWS_SESSION_TOKEN") or None,
        )
    except KeyError as missing:
        raise Refusal(
            f"AWS_ENDPOINT_URL is set, but {missing.args[0]} is not; set all of them: "
            'eval "$(penstock env)", or name the server: --data-dir DIR'
        ) from missing


def explain(error: BotoCoreError | ClientError) -> str:
    """Return one line on what a call to the server met."""
    if isinstance(error, EndpointConnectionError):
        url = error.kwargs["endpoint_url"]
        return f"no server answers at {url}; start it: penstock serve --data-dir DIR"
    if isinstance(error, NoCredentialsError):
        return 'no credentials; set them: eval "$(penstock env)"'
    return str(error)
