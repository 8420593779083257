"""Fetches a build's sources, as tar streams for its container, and its buildspec.

A pipeline's inputs and S3 sources are zips; a CodeCommit source is a clone with its history.
"""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.arns import parse_arn
from penstock.aws.errors import ServiceError
from penstock.builds import source_archive
from penstock.builds.build import Build, PipelineSource
from penstock.builds.environment import Place
from penstock.builds.project import is_inline_buildspec, repository_of, s3_object_of
from penstock.builds.role import Refused, ServiceRole
from penstock.builds.source_archive import BadArchive
from penstock.repositories.git import GitError
from penstock.repositories.hosting import Repositories
from penstock.services.s3 import Objects

DEFAULT_BUILDSPEC = "buildspec.yml"


@dataclass(frozen=True, slots=True)
class Source:
    """One fetched source: a zip, a directory, or (both None) nothing at all."""

    place: Place
    archive: Path | None = None
    tree: Path | None = None
    resolved_version: str | None = None

    def tar(self) -> Iterator[bytes]:
        """Yield the tar that puts the source at its place. Raises BadArchive."""
        if self.archive is not None:
            return source_archive.zip_as_tar(self.archive, self.place.path)
        if self.tree is not None:
            return source_archive.tree_as_tar(self.tree, self.place.path)
        return source_archive.empty_directory_as_tar(self.place.path)

    async def read(self, name: str) -> bytes | None:
        """Return a small file of the source, None when it is not there. Raises BadArchive."""
        if self.archive is not None:
            return await asyncio.to_thread(source_archive.read_from_zip, self.archive, name)
        if self.tree is not None:
            return await asyncio.to_thread(source_archive.read_from_tree, self.tree, name)
        return None


@dataclass(frozen=True, slots=True)
class BuildspecText:
    """A buildspec's text, where it stands, and its name for messages."""

    text: bytes
    location: str
    name: str


class Sources:
    """Fetches sources with the rights of a build's role, into temporary files."""

    def __init__(self, objects: Objects, repositories: Repositories) -> None:
        self._objects = objects
        self._repositories = repositories

    @contextlib.asynccontextmanager
    async def fetched(
        self,
        build: Build,
        pipeline: PipelineSource | None,
        places: list[Place],
        role: ServiceRole,
    ) -> AsyncIterator[list[Source]]:
        """Give the build's sources, the primary first; their files end with the context.

        Raises Refused (the phase's error) or EngineError.
        """
        directory = Path(tempfile.mkdtemp(prefix="penstock-source-"))
        try:
            found = []
            for index, place in enumerate(places):
                target = directory / str(index)
                if pipeline is not None:
                    location = [pipeline.primary, *pipeline.secondary][index]
                    await self._object(
                        location.bucket, location.key, None, target, role, _what(place)
                    )
                    found.append(Source(place, archive=target))
                    continue
                configured = _configured(build.configuration, index)
                found.append(await self._direct(configured, place, target, role))
            yield found
        finally:
            await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)

    async def _direct(
        self, source: Mapping[str, Any], place: Place, target: Path, role: ServiceRole
    ) -> Source:
        match source["type"]:
            case "S3":
                bucket, key = s3_object_of(source["location"]) or ("", "")
                await self._object(bucket, key, place.version, target, role, _what(place))
                return Source(place, archive=target)
            case "CODECOMMIT":
                depth = source.get("gitCloneDepth") or 0
                return await self._clone(place, depth, target, role)
            case _:
                return Source(place)

    async def _object(
        self,
        bucket: str,
        key: str,
        version: str | None,
        target: Path,
        role: ServiceRole,
        what: str,
    ) -> None:
        await role.read_object(bucket, key, what)
        try:
            _, chunks = await self._objects.get(bucket, key, version)
            with target.open("wb") as file:
                async for chunk in chunks:
                    await asyncio.to_thread(file.write, chunk)
        except ServiceError as error:
            raise Refused(
                "CLIENT_ERROR",
                f"{error.code}: {error.message} for {what} and source version "
                f"arn:aws:s3:::{bucket}/{key}",
            ) from error

    async def _clone(self, place: Place, depth: int, target: Path, role: ServiceRole) -> Source:
        what, name = _what(place), repository_of(place.location) or ""
        await role.pull_repository(name, what)
        git = self._repositories.git
        try:
            bare = self._repositories.path(await self._repositories.get(name))
        except ServiceError as error:
            raise Refused("CLIENT_ERROR", f"{error.message} for {what}") from error
        shallow = ["--depth", str(depth), "--no-single-branch"] if depth else []
        wanted = place.version or "HEAD"
        try:
            await git.run(
                "clone",
                "--quiet",
                "--no-checkout",
                "--template=",
                *shallow,
                bare.as_uri(),
                str(target),
            )
            commit = await self._commit(target, wanted)
            await git.run("-C", str(target), "checkout", "--quiet", "--detach", commit)
            await git.run("-C", str(target), "remote", "set-url", "origin", place.location)
        except GitError as error:
            raise Refused(
                "CLIENT_ERROR", f"reference not found for {what} and source version {wanted}"
            ) from error
        return Source(place, tree=target, resolved_version=commit)

    async def _commit(self, clone: Path, wanted: str) -> str:
        """Return the commit that a branch, tag or commit id names. Raises GitError."""
        tried = [f"refs/remotes/origin/{wanted}", wanted] if wanted != "HEAD" else ["HEAD"]
        for position, name in enumerate(tried):
            try:
                found = await self._repositories.git.run(
                    "-C",
                    str(clone),
                    "rev-parse",
                    "--verify",
                    "--quiet",
                    "--end-of-options",
                    f"{name}^{{commit}}",
                )
                return found.decode().strip()
            except GitError:
                if position == len(tried) - 1:
                    raise
        raise AssertionError("unreachable: the last try returns or raises")

    async def buildspec(
        self, configuration: Mapping[str, Any], primary: Source, role: ServiceRole, readonly: str
    ) -> BuildspecText:
        """Return the build's buildspec: inline, an S3 object, or a file of the primary source.

        Raises Refused YAML_FILE_ERROR when there is none.
        """
        configured = (configuration["source"].get("buildspec") or "").strip()
        if configured and is_inline_buildspec(configured):
            text = configuration["source"]["buildspec"].encode("utf-8", "surrogateescape")
            return BuildspecText(text, f"{readonly}/buildspec.yml", "the project's buildspec")
        if configured.startswith("arn:"):
            return await self._buildspec_object(configured, role)
        name = configured or DEFAULT_BUILDSPEC
        location = f"{primary.place.path}/{name}"
        try:
            found = await primary.read(name)
        except BadArchive as error:
            raise Refused("CLIENT_ERROR", str(error)) from error
        if found is None:
            raise Refused("YAML_FILE_ERROR", f"stat {location}: no such file or directory")
        return BuildspecText(found, location, name)

    async def _buildspec_object(self, configured: str, role: ServiceRole) -> BuildspecText:
        bucket, _, key = parse_arn(configured).resource.partition("/")
        await role.read_object(bucket, key, "the buildspec")
        try:
            found, chunks = await self._objects.get(bucket, key)
            if found.size > source_archive.LARGEST_READ:
                raise Refused(
                    "YAML_FILE_ERROR",
                    f"expected a buildspec of at most {source_archive.LARGEST_READ} bytes, found "
                    f"{found.size} at {configured}",
                )
            text = b"".join([chunk async for chunk in chunks])
        except ServiceError as error:
            raise Refused("YAML_FILE_ERROR", f"{error.code}: {error.message}") from error
        return BuildspecText(text, configured, key)


def _configured(configuration: Mapping[str, Any], index: int) -> Mapping[str, Any]:
    sources = [configuration["source"], *configuration.get("secondarySources", ())]
    found: Mapping[str, Any] = sources[index]
    return found


def _what(place: Place) -> str:
    return f"secondary source {place.identifier}" if place.identifier else "primary source"
