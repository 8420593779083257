"""`penstock connection`: git hosts elsewhere, with the credentials to read from them.

A connection is AWS's own (CodeConnections). Its address stands in the tag `penstock:url`, its
credentials in a secret of Secrets Manager that the tag `penstock:secret` names.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError

from penstock.cli.connection import DataDir, connect
from penstock.cli.refusal import Refusal

connection = typer.Typer(
    help="Git hosts elsewhere, to take sources from.", no_args_is_help=True, add_completion=False
)

_SCHEMES = ("https://", "http://", "ssh://")
_PROVIDERS = (
    "GitHub", "GitHubEnterpriseServer", "GitLab", "GitLabSelfManaged", "Bitbucket", "AzureDevOps",
)  # fmt: skip


@connection.command("add")
def add(
    name: Annotated[str, typer.Argument(help="The connection's name.")],
    url: Annotated[
        str,
        typer.Option(
            help="The address that repositories are under: https://git.example.com/ or "
            "ssh://git@git.example.com/."
        ),
    ],
    provider: Annotated[str, typer.Option(help="AWS's provider type.")] = "GitHub",
    username: Annotated[str, typer.Option(help="Who the token belongs to.")] = "git",
    token_file: Annotated[
        Path | None, typer.Option(help="A file with a token; - reads standard input.")
    ] = None,
    key_file: Annotated[Path | None, typer.Option(help="An SSH deploy key, for ssh://.")] = None,
    known_hosts: Annotated[
        Path | None, typer.Option(help="The host's keys, as ssh-keyscan prints them.")
    ] = None,
    ca: Annotated[Path | None, typer.Option(help="The host's certificate authority (PEM).")] = None,
    data_dir: DataDir = None,
) -> None:
    """Add a connection, or give an existing one of this name its address and credentials."""
    check(url, provider, key_file, known_hosts)
    members = {
        "token": token_file,
        "private_key": key_file,
        "known_hosts": known_hosts,
        "ca": ca,
    }
    values = {member: _content(path) for member, path in members.items() if path is not None}
    check_values(values)
    if "token" in values:
        values = {"username": username, **values, "token": values["token"].strip()}
    client = connect(data_dir)
    tags = {"penstock:url": url}
    if values:
        tags["penstock:secret"] = _put_secret(
            client.client("secretsmanager"), f"penstock/connections/{name}", json.dumps(values)
        )
    print(_put(client.client("codestar-connections"), name, provider, tags))


@connection.command("list")
def list_connections(data_dir: DataDir = None) -> None:
    """List the connections with their ARNs."""
    client = connect(data_dir).client("codestar-connections")
    found = _all(client)
    if not found:
        print("no connections")
    for each in found:
        print(f"{each['ConnectionName']}  {each['ProviderType']}  {each['ConnectionStatus']}")
        print(f"  {each['ConnectionArn']}")
        tags = client.list_tags_for_resource(ResourceArn=each["ConnectionArn"])["Tags"]
        for tag in tags:
            if tag["Key"] == "penstock:url":
                print(f"  {tag['Value']}")


def check(url: str, provider: str, key_file: Path | None, known_hosts: Path | None) -> None:
    """Raise Refusal for options that no git host can be reached with."""
    if not url.startswith(_SCHEMES):
        raise Refusal(f"--url: expected one of {', '.join(_SCHEMES)}, found {url!r}", 2)
    if provider not in _PROVIDERS:
        raise Refusal(f"--provider: expected one of {', '.join(_PROVIDERS)}, found {provider}", 2)
    if url.startswith("ssh://") and (key_file is None or known_hosts is None):
        raise Refusal("--url with ssh:// needs --key-file and --known-hosts", 2)
    if not url.startswith("ssh://") and key_file is not None:
        raise Refusal("--key-file is for ssh://; use --token-file with https://", 2)


def check_values(values: Mapping[str, str]) -> None:
    """Raise Refusal for content that cannot be what its option says."""
    marks = {
        "ca": ("--ca", "-----BEGIN CERTIFICATE-----", "a certificate in PEM"),
        "private_key": ("--key-file", "PRIVATE KEY-----", "a private key in PEM or OpenSSH's form"),
        "known_hosts": ("--known-hosts", " ", "lines as ssh-keyscan prints them"),
    }
    for member, (option, mark, expected) in marks.items():
        if member in values and mark not in values[member]:
            raise Refusal(f"{option}: expected {expected}, found something else", 2)
    if "token" in values and not values["token"].strip():
        raise Refusal("--token-file: expected a token, found nothing", 2)


def _content(path: Path) -> str:
    if str(path) == "-":
        return sys.stdin.read()
    try:
        return path.expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"{path} can't be read: {error}", 2) from error


def _put_secret(client: Any, name: str, text: str) -> str:
    """Store the secret, a new version of it where it exists; return its ARN."""
    try:
        return str(client.create_secret(Name=name, SecretString=text)["ARN"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceExistsException":
            raise
        return str(client.put_secret_value(SecretId=name, SecretString=text)["ARN"])


def _put(client: Any, name: str, provider: str, tags: dict[str, str]) -> str:
    """Create the connection, or retag the one of this name; return its ARN."""
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    known = [each for each in _all(client) if each["ConnectionName"] == name]
    if not known:
        made = client.create_connection(ConnectionName=name, ProviderType=provider, Tags=pairs)
        return str(made["ConnectionArn"])
    if len(known) > 1:
        raise Refusal(f"{len(known)} connections are called {name}; delete all but one")
    place = str(known[0]["ConnectionArn"])
    client.tag_resource(ResourceArn=place, Tags=pairs)
    return place


def _all(client: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        page = client.list_connections(**token)
        found += page["Connections"]
        if "NextToken" not in page:
            return found
        token = {"NextToken": page["NextToken"]}
