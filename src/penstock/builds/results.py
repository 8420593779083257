"""Stores what a build hands on: one zip per pipeline output, or objects in a user's bucket.

Keys are fixed before the upload, and equal files give equal zips: repeating is harmless.
"""

import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.builds.artifacts import ArtifactError, ArtifactReader, ReadArchive
from penstock.builds.build import Build, PipelineSource
from penstock.builds.buildspec import ArtifactsSpec, Buildspec
from penstock.builds.role import Refused, ServiceRole, object_arn
from penstock.builds.source_archive import streamed
from penstock.services.s3 import Objects

_PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class Upload:
    """One artifact to make: `spec` None means that the buildspec does not define it."""

    identifier: str
    """"" for the primary artifact."""
    bucket: str
    key: str
    spec: ArtifactsSpec | None
    zipped: bool = True
    """False: the files go under `key` as they are."""


def specs_to_json(buildspec: Buildspec) -> dict[str, Any]:
    """Return the stored form of a buildspec's artifacts, by identifier."""
    found = {"": asdict(buildspec.artifacts)} if buildspec.artifacts else {}
    return {**found, **{k: asdict(v) for k, v in buildspec.secondary_artifacts.items()}}


def specs_from_json(
    stored: Mapping[str, Any], evaluated: Mapping[str, str]
) -> dict[str, ArtifactsSpec]:
    """Read what `specs_to_json` wrote, with the variables of its texts put in."""
    return {
        identifier: ArtifactsSpec(
            **{
                **spec,
                "name": evaluated.get(f"name:{identifier}", spec["name"]),
                "base_directory": evaluated.get(f"base:{identifier}", spec["base_directory"]),
                "files": [
                    evaluated.get(f"files{position}:{identifier}", glob)
                    for position, glob in enumerate(spec["files"])
                ],
                "exclude_paths": [
                    evaluated.get(f"exclude{position}:{identifier}", glob)
                    for position, glob in enumerate(spec["exclude_paths"])
                ],
            }
        )
        for identifier, spec in stored.items()
    }


def uploads_of(
    build: Build, pipeline: PipelineSource | None, specs: Mapping[str, ArtifactsSpec]
) -> list[Upload]:
    """Return what the build has to store, in order."""
    if pipeline is not None:
        return _pipeline_uploads(pipeline, specs)
    artifacts = build.configuration["artifacts"]
    found = []
    if artifacts["type"] == "S3" and "" in specs:
        found.append(_bucket_upload(build, artifacts, "", specs.get("")))
    for secondary in build.configuration.get("secondaryArtifacts", ()):
        identifier = secondary["artifactIdentifier"]
        found.append(_bucket_upload(build, secondary, identifier, specs.get(identifier)))
    return found


def _pipeline_uploads(pipeline: PipelineSource, specs: Mapping[str, ArtifactsSpec]) -> list[Upload]:
    if len(pipeline.outputs) == 1:
        output = pipeline.outputs[0]
        spec = specs.get(output.name) or specs.get("")
        return [Upload("", output.bucket, output.key, spec)] if spec else []
    return [
        Upload(output.name, output.bucket, output.key, specs.get(output.name))
        for output in pipeline.outputs
    ]


def _bucket_upload(
    build: Build, artifacts: Mapping[str, Any], identifier: str, spec: ArtifactsSpec | None
) -> Upload:
    """Return where `location/path/[build-id/]name` of a project's artifacts is."""
    name = artifacts.get("name") or build.project_name
    if artifacts.get("overrideArtifactName") and spec is not None and spec.name:
        name = spec.name
    parts = [artifacts.get("path") or "", name]
    if artifacts.get("namespaceType") == "BUILD_ID":
        parts.insert(1, build.uuid)
    if spec is not None and spec.s3_prefix:
        parts.insert(0, spec.s3_prefix)
    key = "/".join(part.strip("/") for part in parts if part.strip("/"))
    zipped = artifacts.get("packaging") == "ZIP"
    return Upload(identifier, artifacts["location"], key, spec, zipped)


class ArtifactStore:
    """Makes and stores a build's artifacts with its role's rights."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def store(
        self,
        upload: Upload,
        read: ReadArchive,
        source_directory: str,
        role: ServiceRole,
    ) -> tuple[dict[str, Any], Sequence[str]]:
        """Store one artifact; return its record and the log lines of its making.

        Raises Refused with the phase's CLIENT_ERROR, or EngineError.
        """
        if upload.spec is None:
            raise Refused(
                "CLIENT_ERROR",
                f"no definition for secondary artifact {upload.identifier} found in buildspec",
            )
        await role.write_object(upload.bucket, upload.key)
        with tempfile.TemporaryDirectory(prefix="penstock-artifact-") as directory:
            target = Path(directory) / "artifact.zip"
            try:
                async with ArtifactReader(read) as reader:
                    lines = await reader.collect(upload.spec, source_directory, target)
                await self._put(upload, target)
            except ArtifactError as error:
                raise Refused(error.context.status_code, error.context.message) from error
            except ServiceError as error:
                raise Refused(
                    "CLIENT_ERROR",
                    f"Error in UPLOAD_ARTIFACTS phase: {error.code}: {error.message}",
                ) from error
        record = {
            "identifier": upload.identifier,
            "location": object_arn(upload.bucket, upload.key),
        }
        return record, lines

    async def _put(self, upload: Upload, target: Path) -> None:
        if upload.zipped:
            await self._objects.put(
                upload.bucket,
                upload.key,
                streamed(_pieces(partial(target.open, "rb")), ended=False),
                content_type="application/zip",
            )
            return
        with zipfile.ZipFile(target) as opened:
            for info in opened.infolist():
                key = f"{upload.key}/{info.filename}"
                pieces = _pieces(partial(opened.open, info))
                await self._objects.put(upload.bucket, key, streamed(pieces, ended=False))


def _pieces(open_file: Callable[[], Any]) -> Iterator[bytes]:
    with open_file() as file:
        while piece := file.read(_PIECE):
            yield piece
