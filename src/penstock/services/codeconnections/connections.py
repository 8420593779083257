"""Connections to git hosts, under AWS's nouns; what AWS keeps in its consoles stands in tags.

`penstock:url` is the address that a repository's full id is appended to, `penstock:secret` the
Secrets Manager secret with the credentials: JSON with any of `username`, `token`, `private_key`,
`known_hosts` and `ca` (PEM). A connection without either is PENDING, as a new one is on AWS.
Source: https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_Connection.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

import sqlalchemy as sa

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.clock import Clock
from penstock.git_address import Address
from penstock.ids import new_uuid
from penstock.services.secretsmanager import Secrets
from penstock.storage import resources
from penstock.storage.database import Database
from penstock.storage.resources import Resource

URL_TAG, SECRET_TAG = "penstock:url", "penstock:secret"
SERVICES = ("codeconnections", "codestar-connections")
"""Two names of one service: connections of either are found under both."""
_TYPE = "connection"
_MEMBERS = ("username", "token", "private_key", "known_hosts", "ca")
_SCHEMES = ("https://", "http://", "ssh://")
_HOSTS = {
    "Bitbucket": "https://bitbucket.org/",
    "GitHub": "https://github.com/",
    "GitLab": "https://gitlab.com/",
}


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection; `tags` hold where it leads."""

    name: str
    arn: str
    provider_type: str
    tags: Mapping[str, str]

    @property
    def status(self) -> str:
        """AVAILABLE once it says where to go or with which credentials; PENDING before."""
        return "AVAILABLE" if self.tags.keys() & {URL_TAG, SECRET_TAG} else "PENDING"


class Connections:
    """The account's connections."""

    def __init__(
        self, database: Database, secrets: Secrets, clock: Clock, *, account_id: str, region: str
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._clock = clock
        self._account_id = account_id
        self._region = region

    async def create(
        self, service: str, name: str, provider_type: str, tags: Mapping[str, str]
    ) -> Connection:
        """Store a new connection; several may have one name, as on AWS.

        Raises InvalidInputException for tags of ours that lead nowhere.
        """
        check_tags(tags)
        id = new_uuid()
        place = arn(service, self._region, self._account_id, f"connection/{id}")
        connection = Connection(name, place, provider_type, dict(tags))
        now = self._clock()
        document = {"name": name, "provider_type": provider_type}
        row = Resource(SERVICES[0], _TYPE, id, place, document, dict(tags), now, now)
        await self._database.write(lambda c: resources.insert(c, row))
        return connection

    async def get(self, connection_arn: str) -> Connection:
        """Return a connection by ARN of either service; raise ResourceNotFoundException."""
        return _connection(await self._database.read(lambda c: _find(c, connection_arn)))

    async def all(self) -> list[Connection]:
        """Return every connection, oldest first."""
        found = await self._database.read(lambda c: resources.scan(c, SERVICES[0], _TYPE))
        return [_connection(row) for row in sorted(found, key=lambda row: row.created_at)]

    async def delete(self, connection_arn: str) -> None:
        """Remove a connection; raise ResourceNotFoundException."""

        def work(connection: sa.Connection) -> None:
            row = _find(connection, connection_arn)
            resources.delete(connection, SERVICES[0], _TYPE, row.name)

        await self._database.write(work)

    async def set_tags(self, connection_arn: str, tags: Mapping[str, str]) -> None:
        """Replace a connection's tags; raise as `get` and `create`."""
        check_tags(tags)

        def work(connection: sa.Connection) -> None:
            row = _find(connection, connection_arn)
            resources.update(connection, SERVICES[0], _TYPE, row.name, now=self._clock(), tags=tags)

        await self._database.write(work)

    async def secret_arn(self, secret_id: str) -> str:
        """Return the ARN of the secret that a tag names; raise as Secrets Manager does."""
        return await self._secrets.arn(secret_id)

    async def address(self, connection_arn: str, full_repository_id: str) -> Address:
        """Return how to reach a repository through a connection.

        Raises ResourceNotFoundException, ConnectionUnavailableException for a PENDING one, and
        what Secrets Manager says when the credentials cannot be read.
        """
        connection = await self.get(connection_arn)
        if connection.status != "AVAILABLE":
            raise ServiceError(
                "ConnectionUnavailableException",
                f"Connection {connection_arn} is in PENDING state: it has no credentials yet. "
                f"Give it some with: penstock connection add {connection.name}",
                status=400,
            )
        base = connection.tags.get(URL_TAG) or _HOSTS.get(connection.provider_type)
        if base is None:
            raise ServiceError(
                "ConnectionUnavailableException",
                f"Expected the tag {URL_TAG} on connection {connection_arn}, of provider "
                f"{connection.provider_type}; it says where its repositories are.",
                status=400,
            )
        url = f"{base.rstrip('/')}/{full_repository_id.strip('/')}"
        secret = connection.tags.get(SECRET_TAG)
        return Address(url, **(await self._credentials(secret) if secret else {}))

    async def _credentials(self, secret_id: str) -> dict[str, str]:
        text = await self._secrets.value(secret_id)
        try:
            found = json.loads(text)
        except json.JSONDecodeError:
            found = None
        if not isinstance(found, dict) or not found.keys() <= set(_MEMBERS):
            raise ServiceError(
                "ConnectionUnavailableException",
                f"Expected secret {secret_id} to be a JSON object with any of "
                f"{', '.join(_MEMBERS)}; it is not.",
                status=400,
            )
        return {name: str(value) for name, value in found.items()}


def check_tags(tags: Mapping[str, str]) -> None:
    """Raise InvalidInputException when `penstock:url` is no address of a git host."""
    url = tags.get(URL_TAG)
    wrong = None if url is None else address_problem(url)
    if wrong is not None:
        raise ServiceError("InvalidInputException", f"The tag {URL_TAG}: {wrong}", status=400)


def address_problem(url: str) -> str | None:
    """Return why `url` is no address for repositories to stand under; None when it is one.

    Credentials in it would be shown wherever the address is. Link-local addresses are refused
    since a machine's metadata service answers there; other private ones are where teams' git
    hosts are.
    """
    if not url.startswith(_SCHEMES):
        return f"expected it to begin with one of {', '.join(_SCHEMES)}, found {url!r}"
    try:
        place = urlsplit(url)
        host = place.hostname or ""
    except ValueError:
        return f"expected the address of a git host, found {url!r}"
    if place.password is not None or (place.username and place.scheme != "ssh"):
        return "expected no user or password in it: credentials belong into the connection's secret"
    if not host or any(letter <= " " or letter == "\x7f" for letter in url):
        return f"expected the address of a git host, found {url!r}"
    if _is_link_local(host):
        return f"{host} is a link-local address; expected that of a git host"
    return None


def _is_link_local(host: str) -> bool:
    try:
        return ip_address(host.partition("%")[0]).is_link_local
    except ValueError:
        return False


def _find(connection: sa.Connection, connection_arn: str) -> Resource:
    id = connection_arn.rpartition("connection/")[2]
    row = resources.get(connection, SERVICES[0], _TYPE, id)
    known = [connection_arn, *(_named(connection_arn, service) for service in SERVICES)]
    if row is None or row.arn not in known:
        raise ServiceError(
            "ResourceNotFoundException", f"Resource not found. Connection: {connection_arn}"
        )
    return row


def _named(connection_arn: str, service: str) -> str:
    """Return the ARN under the service's other name."""
    parts = connection_arn.split(":", 3)
    return ":".join([*parts[:2], service, *parts[3:]]) if len(parts) == 4 else connection_arn


def _connection(row: Resource) -> Connection:
    return Connection(row.document["name"], row.arn, row.document["provider_type"], row.tags)
