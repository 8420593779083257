"""Reading and changing the registry over HTTP, as the server itself.

Source: https://distribution.github.io/distribution/spec/api/
"""

import hashlib
import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from penstock.errors import EngineError
from penstock.ids import new_uuid

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPES = (DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX)

Mint = Callable[[str, Sequence[str]], str]
"""(repository, actions) → a bearer token."""

_TIMEOUT = aiohttp.ClientTimeout(total=60, connect=5)
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest as stored: `content` are the exact bytes that `digest` is of."""

    digest: str
    media_type: str
    content: bytes


class ManifestRefused(Exception):
    """The registry did not take a manifest: `code` and message are its own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RegistryClient:
    """`url` gives the registry's address, None while it does not run. Raises EngineError."""

    def __init__(self, url: Callable[[], str | None], ca: Path | None, mint: Mint) -> None:
        self._url = url
        self._ca = ca
        self._mint = mint
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close connections; the client may be used again."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def tags(self, repository: str) -> list[str]:
        """Return the repository's tags in order; none when nothing was ever pushed."""
        found: list[str] = []
        while True:
            last = f"&last={found[-1]}" if found else ""
            status, _, body = await self._request(
                "GET", repository, f"tags/list?n={_PAGE}{last}", expected={200, 404}
            )
            page = [] if status == 404 else json.loads(body).get("tags") or []
            found.extend(page)
            if len(page) < _PAGE:
                return sorted(set(found))

    async def digest(self, repository: str, reference: str) -> str | None:
        """Return the digest that a tag or digest names, None when there is none."""
        status, headers, _ = await self._request(
            "HEAD", repository, f"manifests/{reference}", expected={200, 400, 404}
        )
        return headers["docker-content-digest"] if status == 200 else None

    async def manifest(self, repository: str, reference: str) -> Manifest | None:
        """Return the manifest of a tag or digest, None when there is none."""
        status, headers, body = await self._request(
            "GET", repository, f"manifests/{reference}", expected={200, 400, 404}
        )
        if status != 200:
            return None
        media_type = headers["content-type"].partition(";")[0].strip()
        return Manifest(headers["docker-content-digest"], media_type, body)

    async def put_manifest(
        self, repository: str, reference: str, media_type: str, content: bytes
    ) -> str:
        """Store a manifest under a tag or its digest and return its digest.

        Raise ManifestRefused when it is not valid or names blobs that are not there.
        """
        status, headers, body = await self._request(
            "PUT",
            repository,
            f"manifests/{reference}",
            expected={201, 400, 404},
            content=content,
            headers={"Content-Type": media_type},
        )
        if status != 201:
            error = (json.loads(body).get("errors") or [{}])[0]
            raise ManifestRefused(error.get("code", "UNKNOWN"), error.get("message", ""))
        return headers["docker-content-digest"]

    async def delete_manifest(self, repository: str, digest: str) -> bool:
        """Delete a manifest and every tag that names it; return whether it was there."""
        status, _, _ = await self._request(
            "DELETE", repository, f"manifests/{digest}", expected={202, 404}
        )
        return status == 202

    async def delete_tag(self, repository: str, tag: str) -> None:
        """Delete one tag and leave its manifest.

        The registry can only delete manifests with all their tags, so the tag is first
        moved to an empty list of its own, which is then deleted.
        """
        empty = {"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [], "id": new_uuid()}
        content = json.dumps(empty).encode()
        digest = await self.put_manifest(repository, tag, DOCKER_LIST, content)
        await self.delete_manifest(repository, digest)

    async def blob_size(self, repository: str, digest: str) -> int | None:
        """Return a blob's size in bytes, None when the repository does not have it."""
        status, headers, _ = await self._request(
            "HEAD", repository, f"blobs/{digest}", expected={200, 400, 404}
        )
        return int(headers["content-length"]) if status == 200 else None

    async def _request(
        self,
        method: str,
        repository: str,
        path: str,
        *,
        expected: set[int],
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        base = self._url()
        if base is None:
            raise EngineError(
                "The image registry does not run, because no container engine was found when the "
                "server started. Start Docker, or set DOCKER_HOST, and restart the server.",
                retryable=True,
            )
        actions = ("pull",) if method in {"GET", "HEAD"} else ("pull", "push", "delete")
        sent = {
            "Authorization": f"Bearer {self._mint(repository, actions)}",
            "Accept": ", ".join(MANIFEST_TYPES),
            **(headers or {}),
        }
        url = f"{base}/v2/{repository}/{path}"
        try:
            async with self._open_session().request(
                method, url, data=content, headers=sent, allow_redirects=False
            ) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError, ssl.SSLError) as error:
            raise EngineError(
                f"The image registry at {base} could not be reached: {error}", retryable=True
            ) from error
        if response.status not in expected:
            raise EngineError(
                f"The image registry answered {method} {url} with status {response.status}: "
                f"{body[:500].decode(errors='replace')}",
                retryable=response.status >= 500,
            )
        return response.status, {k.lower(): v for k, v in response.headers.items()}, body

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            context = ssl.create_default_context(cafile=self._ca) if self._ca else False
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=context), timeout=_TIMEOUT, trust_env=False
            )
        return self._session


def digest_of(content: bytes) -> str:
    """Return the digest by which the registry knows these bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def image_size(manifest: Manifest) -> int | None:
    """Return the compressed size in bytes of config and layers; None for a list of images."""
    document: dict[str, Any] = json.loads(manifest.content)
    if "layers" not in document:
        return None
    return sum(int(part["size"]) for part in [document["config"], *document["layers"]])
