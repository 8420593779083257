"""The instance's image registry: CNCF distribution in a container that outlives the server.

Penstock signs the tokens that it demands (`services/ecr`), and hears of pushes through its
notifications; blobs never pass through Python. Source:
https://distribution.github.io/distribution/about/configuration/
"""

import hashlib
import json
from typing import Any

from penstock.containers.certificates import Certificates
from penstock.containers.engine import Engine
from penstock.containers.helper_container import HelperContainer, ensure_helper, remove_helper
from penstock.containers.image_recipes import REGISTRY
from penstock.containers.images import Images, OwnRegistry
from penstock.containers.network import Network
from penstock.containers.task import File

TOKEN_SERVICE = "penstock-registry"
TOKEN_ISSUER = "penstock"
NOTIFICATIONS_PATH = "/_penstock/registry/notifications"
TOKEN_PATH = "/_penstock/registry/token"

_PORT = 5000
_DIRECTORY = "/etc/docker/registry"
_ROOT = "/var/lib/registry"


class Registry:
    """The registry of one instance; `host_address` and `task_port` are there after `ensure`."""

    def __init__(
        self,
        engine: Engine,
        network: Network,
        images: Images,
        certificates: Certificates,
        *,
        instance_id: str,
        account_id: str,
        region: str,
        gateway: str,
        http_port: int,
        notification_secret: str,
    ) -> None:
        self._engine = engine
        self._network = network
        self._images = images
        self._certificates = certificates
        self._instance_id = instance_id
        self._account_id = account_id
        self._region = region
        self._gateway = gateway
        self._http_port = http_port
        self._notification_secret = notification_secret
        self._published: int | None = None

    @property
    def name(self) -> str:
        """The container's name, and its volume's."""
        return f"penstock-{self._instance_id}-registry"

    @property
    def ecr_host(self) -> str:
        """The host name that AWS gives this account's registry."""
        return f"{self._account_id}.dkr.ecr.{self._region}.amazonaws.com"

    @property
    def task_port(self) -> int:
        """The registry's TLS port on the network's gateway, for sandboxes."""
        assert self._published is not None, "ensure() first"
        return self._published

    @property
    def host_address(self) -> str:
        """`127.0.0.1:PORT`: the registry (TLS) as this host and the engine reach it."""
        return f"127.0.0.1:{self.task_port}"

    async def ensure(self) -> None:
        """Have the registry running with today's configuration and certificate.

        ECR names of this account are pulled from it from then on. Repeating is safe.
        """
        labels = {"penstock.instance": self._instance_id, "penstock.helper": "registry"}
        await self._engine.json(
            "POST", "volumes/create", body={"Name": self.name, "Labels": labels}
        )
        leaf = self._certificates.leaf
        helper = HelperContainer(
            name=self.name,
            image=await self._images.ensure(REGISTRY),
            network=self._network.name,
            port=_PORT,
            addresses=("127.0.0.1", self._gateway),
            files=(
                File(f"{_DIRECTORY}/config.yml", json.dumps(self.configuration()).encode()),
                File(f"{_DIRECTORY}/tls.crt", leaf.certificate_pem),
                File(f"{_DIRECTORY}/tls.key", leaf.key_pem, 0o600),
                File(
                    f"{_DIRECTORY}/tokens.crt", self._certificates.registry_signing.certificate_pem
                ),
            ),
            labels=labels,
            mounts=({"Type": "volume", "Source": self.name, "Target": _ROOT},),
        )
        self._published = await ensure_helper(self._engine, helper)
        self._images.use_registry(OwnRegistry(self._account_id, self._region, self.host_address))

    async def remove(self) -> None:
        """Remove the container; the images stay in the volume."""
        await remove_helper(self._engine, self.name)

    def configuration(self) -> dict[str, Any]:
        """Return the registry's configuration (JSON is YAML)."""
        secret = hashlib.sha256(b"uploads:" + self._notification_secret.encode()).hexdigest()
        return {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": _ROOT},
                "delete": {"enabled": True},
            },
            "http": {
                "addr": f":{_PORT}",
                "secret": secret,
                "tls": {
                    "certificate": f"{_DIRECTORY}/tls.crt",
                    "key": f"{_DIRECTORY}/tls.key",
                },
            },
            "auth": {
                "token": {
                    "realm": f"https://api.ecr.{self._region}.amazonaws.com{TOKEN_PATH}",
                    "service": TOKEN_SERVICE,
                    "issuer": TOKEN_ISSUER,
                    "rootcertbundle": f"{_DIRECTORY}/tokens.crt",
                }
            },
            "notifications": {
                "endpoints": [
                    {
                        "name": "penstock",
                        "url": f"http://{self._gateway}:{self._http_port}{NOTIFICATIONS_PATH}",
                        "headers": {"Authorization": [f"Bearer {self._notification_secret}"]},
                        "timeout": "5s",
                        "threshold": 5,
                        "backoff": "1s",
                        "ignore": {
                            "mediatypes": ["application/octet-stream"],
                            "actions": ["pull"],
                        },
                    }
                ]
            },
        }
