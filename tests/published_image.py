"""Read a published image as the registry serves it: manifest, digest, files in its layers."""

import gzip
import hashlib
import io
import json
import ssl
import subprocess
import tarfile
import urllib.parse
import urllib.request
from typing import Any

from tests.server_process import ServerProcess

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class PublishedImages:
    """The registry behind ECR, met as a client that holds an ECR authorisation token."""

    def __init__(self, server: ServerProcess, repository: str) -> None:
        self.repository = repository
        token = server.client("ecr").get_authorization_token()["authorizationData"][0]
        query = urllib.parse.urlencode(
            {"service": "penstock-registry", "scope": f"repository:{repository}:pull"}
        )
        request = urllib.request.Request(
            f"{server.url}/_penstock/registry/token?{query}",
            headers={"Authorization": f"Basic {token['authorizationToken']}"},
        )
        with urllib.request.urlopen(request) as answer:
            self._bearer = json.load(answer)["token"]
        self._port = registry_port(server)

    def get(self, path: str, accept: str = MANIFEST) -> bytes:
        """GET /v2/<repository>/<path>."""
        context = ssl._create_unverified_context()  # the test reads by loopback address
        request = urllib.request.Request(
            f"https://127.0.0.1:{self._port}/v2/{self.repository}/{path}",
            headers={"Authorization": f"Bearer {self._bearer}", "Accept": accept},
        )
        with urllib.request.urlopen(request, context=context) as answer:
            return bytes(answer.read())

    def digest(self, tag: str) -> str:
        """The digest of what the registry serves under `tag`, computed from its bytes."""
        return "sha256:" + hashlib.sha256(self.get(f"manifests/{tag}")).hexdigest()

    def file(self, tag: str, name: str) -> str:
        """The text of a file of the image: its newest version over all layers."""
        manifest: dict[str, Any] = json.loads(self.get(f"manifests/{tag}"))
        for layer in reversed(manifest["layers"]):
            blob = gzip.decompress(self.get(f"blobs/{layer['digest']}"))
            with tarfile.open(fileobj=io.BytesIO(blob)) as archive:
                if name in archive.getnames():
                    found = archive.extractfile(name)
                    assert found is not None
                    return found.read().decode()
        raise AssertionError(f"no {name} in {self.repository}:{tag}")


def registry_port(server: ServerProcess) -> int:
    """The loopback port that the instance's registry container publishes."""
    listed = subprocess.run(
        ["docker", "inspect", f"penstock-{server.instance_id}-registry"],
        capture_output=True,
        text=True,
        check=True,
    )
    ports = json.loads(listed.stdout)[0]["NetworkSettings"]["Ports"]
    return next(
        int(binding["HostPort"])
        for bindings in ports.values()
        for binding in bindings or []
        if binding["HostIp"] == "127.0.0.1"
    )
