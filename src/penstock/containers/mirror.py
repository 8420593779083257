"""The mirror of base images: where no public registry can be reached, a build's own Docker
daemon finds `python:3.11-slim` and its like here, under Docker Hub's names.

The images are part of the mirror's image (`image_recipes.MIRROR`), and it refuses writes: no
build can put anything into another's base image.
"""

import json

from penstock.containers.certificates import Certificates
from penstock.containers.engine import Engine
from penstock.containers.helper_container import HelperContainer, ensure_helper, remove_helper
from penstock.containers.image_builder import MIRROR_ROOT
from penstock.containers.image_recipes import MIRROR
from penstock.containers.images import Images
from penstock.containers.network import Network
from penstock.containers.task import File

_PORT = 5000
_DIRECTORY = "/etc/docker/registry"


class Mirror:
    """The mirror of one instance; there only while no public registry can be reached."""

    def __init__(
        self,
        engine: Engine,
        network: Network,
        images: Images,
        certificates: Certificates,
        *,
        instance_id: str,
        gateway: str,
    ) -> None:
        self._engine = engine
        self._network = network
        self._images = images
        self._certificates = certificates
        self._instance_id = instance_id
        self._gateway = gateway

    @property
    def name(self) -> str:
        """The container's name."""
        return f"penstock-{self._instance_id}-mirror"

    async def ensure(self) -> int | None:
        """Have the mirror running and return its TLS port on the network's gateway; None, and
        no mirror, where public registries can be reached. Repeating is safe."""
        if await self._images.public_registry_reachable():
            await remove_helper(self._engine, self.name)
            return None
        leaf = self._certificates.leaf
        helper = HelperContainer(
            name=self.name,
            image=await self._images.ensure(MIRROR),
            network=self._network.name,
            port=_PORT,
            addresses=(self._gateway,),
            files=(
                File(f"{_DIRECTORY}/config.yml", configuration()),
                File(f"{_DIRECTORY}/tls.crt", leaf.certificate_pem),
                File(f"{_DIRECTORY}/tls.key", leaf.key_pem, 0o600),
            ),
            labels={"penstock.instance": self._instance_id, "penstock.helper": "mirror"},
        )
        return await ensure_helper(self._engine, helper)


def configuration() -> bytes:
    """Return the mirror's configuration: read-only, open to every Task."""
    return json.dumps(
        {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": MIRROR_ROOT},
                "maintenance": {"readonly": {"enabled": True}},
            },
            "http": {
                "addr": f":{_PORT}",
                "tls": {
                    "certificate": f"{_DIRECTORY}/tls.crt",
                    "key": f"{_DIRECTORY}/tls.key",
                },
            },
        }
    ).encode()
