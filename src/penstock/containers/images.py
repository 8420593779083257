"""Find the image that a container's image name stands for, and have it on the engine.

In this order: a curated image of CodeBuild is our build image; an ECR name of this account is
pulled from our registry; an image that the engine has is taken as it is; a public image is
pulled; where no public registry can be reached, a recipe may stand for it. The log says so.

`python -m penstock.containers.images` builds everything beforehand and prints its progress.
"""

import asyncio
import base64
import json
import logging
import re
import sys
from dataclasses import dataclass

from penstock.containers.engine import Engine, EngineRefusal
from penstock.containers.image_builder import ImageBuilder, Progress
from penstock.containers.image_recipes import (
    BASE_IMAGES,
    MIRROR,
    OWN_IMAGES,
    Recipe,
    base_recipe,
    curated_recipe,
)
from penstock.errors import EngineError

_LOG = logging.getLogger(__name__)
_PROBE_IMAGE = "docker.io/library/busybox:latest"
_PROBE_SECONDS = 5.0
_REFERENCE = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9.-]*(:\d+)?(/[a-z0-9._-]+)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
    r"(@[a-z0-9]+:[a-f0-9]{32,})?"
)
_ECR_NAME = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<repository>.+)"
)


class ImageUnavailable(Exception):
    """The image can't be had. `message` is the engine's own text; `advice` says what there is."""

    def __init__(self, image: str, message: str, advice: str = "") -> None:
        super().__init__(f"{message} ({advice})" if advice else message)
        self.image = image
        self.message = message
        self.advice = advice


@dataclass(frozen=True, slots=True)
class OwnRegistry:
    """Our registry, as ECR names are rewritten to it; the engine reaches it at `host_address`."""

    account_id: str
    region: str
    host_address: str

    def rewrite(self, image: str) -> str | None:
        """Return the name under which the engine pulls an ECR name of ours; None for others."""
        match = _ECR_NAME.fullmatch(image)
        if match is None or match["account"] != self.account_id or match["region"] != self.region:
            return None
        return f"{self.host_address}/{match['repository']}"


class Images:
    """Resolves image names. `own_registry` may be None where there is no registry (yet)."""

    def __init__(
        self,
        engine: Engine,
        own_registry: OwnRegistry | None = None,
        progress: Progress = _LOG.info,
    ) -> None:
        self._engine = engine
        self._own_registry = own_registry
        self._progress = progress
        self._builder = ImageBuilder(engine, progress)
        self._reachable: bool | None = None
        self._probing = asyncio.Lock()

    def use_registry(self, own_registry: OwnRegistry) -> None:
        """Rewrite ECR names to this registry from now on."""
        self._own_registry = own_registry

    async def ensure(self, recipe: Recipe) -> str:
        """Return the reference of a recipe's image, built when absent."""
        return await self._builder.ensure(recipe)

    async def ensure_own(self) -> None:
        """Build what every server needs; the mirror too where public registries are away."""
        for recipe in OWN_IMAGES:
            await self._builder.ensure(recipe)
        if not await self.public_registry_reachable():
            await self._builder.ensure(MIRROR)

    async def public_registry_reachable(self) -> bool:
        """Tell whether the engine reaches Docker Hub; asked once, for at most five seconds."""
        async with self._probing:
            if self._reachable is None:
                self._reachable = await self._probe()
            return self._reachable

    async def resolve(self, image: str, registry_token: str | None = None) -> str:
        """Return a reference that the engine has, for the image name that a user wrote.

        `registry_token` is sent to our registry alone. Raises ImageUnavailable or EngineError.
        """
        if not _REFERENCE.fullmatch(image):
            raise ImageUnavailable(image, f"invalid reference format: {image!r}")
        recipe = curated_recipe(image)
        if recipe is not None:
            return await self._builder.ensure(recipe)
        if self._own_registry is not None:
            own = self._own_registry.rewrite(image)
            if own is not None:
                return await self._pulled_from_own(image, own, registry_token)
        if not self._is_in_own_registry(image) and await self._has_by_name(image):
            return image
        recipe = base_recipe(image)
        if recipe is not None and not await self.public_registry_reachable():
            self._progress(
                f"{image}: no public registry can be reached; using {recipe.reference}, "
                "built from Debian packages"
            )
            return await self._builder.ensure(recipe)
        return await self._pulled(image)

    async def _has_by_name(self, image: str) -> bool:
        """Tell whether the engine has an image of that name, not one whose id begins with it.

        By an id, anybody would have what others pulled, from whichever registry.
        """
        try:
            found = await self._engine.json("GET", f"images/{image}/json")
        except EngineRefusal as refusal:
            if refusal.status != 404:
                raise
            return False
        begins = str(found["Id"]).removeprefix("sha256:").startswith(image.removeprefix("sha256:"))
        return not begins or f"{image}:latest" in (found.get("RepoTags") or ())

    def _is_in_own_registry(self, image: str) -> bool:
        """Tell whether `image` is written by our registry's own address.

        What a former pull with a token left on the engine must not be had without one.
        """
        own = self._own_registry
        return own is not None and image.startswith(f"{own.host_address}/")

    async def _probe(self) -> bool:
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await self._engine.json("GET", f"distribution/{_PROBE_IMAGE}/json")
        except (EngineRefusal, TimeoutError) as error:
            reason = str(error) or "no answer in time"
            self._progress(f"no public registry can be reached ({reason})")
            return False
        return True

    async def _pulled_from_own(self, image: str, own: str, registry_token: str | None) -> str:
        """Pull from our registry, and never answer with what a former pull left behind."""
        headers = {}
        if registry_token is not None:
            auth = json.dumps({"registrytoken": registry_token}).encode()
            headers["X-Registry-Auth"] = base64.urlsafe_b64encode(auth).decode()
        try:
            await self._pull(own, headers)
        except EngineRefusal as refusal:
            raise ImageUnavailable(image, refusal.message) from refusal
        return own

    async def _pulled(self, image: str) -> str:
        try:
            await self._pull(image, {})
        except EngineRefusal as refusal:
            advice = ""
            if not await self.public_registry_reachable():
                advice = "no public registry can be reached; base images available here: " + (
                    ", ".join(BASE_IMAGES)
                )
            raise ImageUnavailable(image, refusal.message, advice) from refusal
        return image

    async def _pull(self, image: str, headers: dict[str, str]) -> None:
        params = {"fromImage": image}
        last = image.rpartition("/")[2]
        if ":" not in last and "@" not in last:
            params["tag"] = "latest"
        async for _ in self._engine.progress(
            "POST", "images/create", params=params, headers=headers
        ):
            pass


async def _build_all() -> None:
    engine = Engine()
    try:
        await Images(engine, progress=_print_line).ensure_own()
    finally:
        await engine.close()


def _print_line(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Build every image that is missing; return the exit status."""
    try:
        asyncio.run(_build_all())
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
