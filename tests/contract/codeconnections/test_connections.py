"""CodeConnections under both of its names, with boto3."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.aws_server import Backend
from tests.databases import opened_database

from penstock.aws.service import Authorize
from penstock.clock import utc_now
from penstock.services.codeconnections import Connections
from penstock.services.codeconnections.api import services
from penstock.services.secretsmanager import Secrets
from penstock.services.secretsmanager import api as secretsmanager_api
from penstock.storage.encryption import Cipher

ACCOUNT = {"account_id": "123456789012", "region": "us-east-1"}


class ConnectionsServer:
    """CodeConnections and Secrets Manager."""

    def __init__(
        self, aws_server: Any, directory: Path, authorize: Authorize | None = None
    ) -> None:
        self.directory = directory
        self.authorize = authorize
        self.aws = aws_server(self._build)
        self.secrets = self.aws.client("secretsmanager")

    async def _build(self, stack: contextlib.AsyncExitStack) -> Backend:
        database = stack.enter_context(opened_database(self.directory))
        cipher = Cipher.open(self.directory / "key")
        secrets = Secrets(database, cipher, utc_now, **ACCOUNT)
        self.domain = Connections(database, secrets, utc_now, **ACCOUNT)
        found = [secretsmanager_api.service(secrets), *services(self.domain)]
        return Backend(found, authorize=self.authorize)


@pytest.fixture
def server(aws_server: Any, tmp_path: Path) -> ConnectionsServer:
    return ConnectionsServer(aws_server, tmp_path)


@pytest.fixture(params=["codeconnections", "codestar-connections"])
def client(server: ConnectionsServer, request: pytest.FixtureRequest) -> Any:
    return server.aws.client(request.param)


def refused(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_new_connection_is_pending_until_it_leads_somewhere(client: Any) -> None:
    place = client.create_connection(ConnectionName="host", ProviderType="GitHub")["ConnectionArn"]
    service = client.meta.service_model.service_name
    assert place.startswith(f"arn:aws:{service}:us-east-1:123456789012:connection/")
    found = client.get_connection(ConnectionArn=place)["Connection"]
    assert found == {
        "ConnectionName": "host",
        "ConnectionArn": place,
        "ProviderType": "GitHub",
        "OwnerAccountId": "123456789012",
        "ConnectionStatus": "PENDING",
    }
    tag = {"Key": "penstock:url", "Value": "https://git.example.com/"}
    client.tag_resource(ResourceArn=place, Tags=[tag, {"Key": "team", "Value": "a"}])
    assert client.get_connection(ConnectionArn=place)["Connection"]["ConnectionStatus"] == (
        "AVAILABLE"
    )
    client.untag_resource(ResourceArn=place, TagKeys=["team"])
    assert client.list_tags_for_resource(ResourceArn=place)["Tags"] == [tag]
    client.delete_connection(ConnectionArn=place)
    code, message = refused(client.get_connection, ConnectionArn=place)
    assert code == "ResourceNotFoundException"
    assert place in message


def test_connections_of_one_name_are_found_under_the_other(server: ConnectionsServer) -> None:
    old = server.aws.client("codestar-connections")
    new = server.aws.client("codeconnections")
    place = old.create_connection(ConnectionName="host")["ConnectionArn"]
    assert (
        new.get_connection(ConnectionArn=place.replace("codestar-connections", "codeconnections"))[
            "Connection"
        ]["ConnectionName"]
        == "host"
    )
    assert [c["ConnectionArn"] for c in new.list_connections()["Connections"]] == [place]


def test_connections_are_listed_by_provider_in_pages(client: Any) -> None:
    for number in range(5):
        provider = "GitLab" if number % 2 else "GitHub"
        client.create_connection(ConnectionName=f"c{number}", ProviderType=provider)
    assert len(client.list_connections(ProviderTypeFilter="GitLab")["Connections"]) == 2
    first = client.list_connections(MaxResults=3)
    rest = client.list_connections(MaxResults=3, NextToken=first["NextToken"])
    names = {c["ConnectionName"] for c in first["Connections"] + rest["Connections"]}
    assert names == {f"c{number}" for number in range(5)}
    assert "NextToken" not in rest


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc", "ext::sh -c id", "-oProxyCommand=x", "/srv/git"),
        *("https://user:token@git.example.com/", "https://token@git.example.com/"),
        *("http://169.254.169.254/latest", "http://[fe80::1]/", "https://", "https://a b/"),
    ],
)
def test_an_address_that_is_no_git_hosts_is_refused(client: Any, url: str) -> None:
    code, message = refused(
        client.create_connection,
        ConnectionName="bad",
        Tags=[{"Key": "penstock:url", "Value": url}],
    )
    assert code == "InvalidInputException"
    assert "penstock:url" in message
    assert client.list_connections()["Connections"] == []


def test_hosts_are_not_here(client: Any) -> None:
    host = "arn:aws:codestar-connections:us-east-1:123456789012:host/h/1"
    code, message = refused(client.create_connection, ConnectionName="x", HostArn=host)
    assert code == "ResourceUnavailableException"
    assert "penstock:url" in message


async def read_address(server: ConnectionsServer, place: str) -> Any:
    return await server.domain.address(place, "team/app")


def test_the_secret_gives_the_credentials(server: ConnectionsServer) -> None:
    credentials = {"username": "bot", "token": "t0ken", "ca": "PEM"}
    secret = server.secrets.create_secret(Name="git", SecretString=json.dumps(credentials))["ARN"]
    client = server.aws.client("codeconnections")
    tags = [
        {"Key": "penstock:url", "Value": "https://git.example.com/x/"},
        {"Key": "penstock:secret", "Value": secret},
    ]
    place = client.create_connection(ConnectionName="host", Tags=tags)["ConnectionArn"]
    found = server.aws.run(read_address(server, place))
    assert found.url == "https://git.example.com/x/team/app"
    assert (found.username, found.token, found.ca) == ("bot", "t0ken", "PEM")
    assert "t0ken" not in repr(found)


def test_who_may_not_read_the_secret_may_not_name_it(aws_server: Any, tmp_path: Path) -> None:
    """Otherwise a connection to one's own host would be told what the secret holds."""

    async def authorize(principal: Any, action: str, resource: str, context: Any = None) -> None:
        asked.append((action, resource))

    asked: list[tuple[str, str]] = []
    server = ConnectionsServer(aws_server, tmp_path, authorize)
    secret = server.secrets.create_secret(Name="production", SecretString="{}")["ARN"]
    client = server.aws.client("codeconnections")
    place = client.create_connection(
        ConnectionName="host",
        Tags=[{"Key": "penstock:secret", "Value": "production"}],
    )["ConnectionArn"]
    needed = ("secretsmanager:GetSecretValue", secret)
    assert needed in asked
    asked.clear()
    client.tag_resource(
        ResourceArn=place, Tags=[{"Key": "penstock:url", "Value": "https://other.example.com/"}]
    )
    assert needed in asked, "a new address would get the old credentials"
