"""Files inside artifacts: read one out of a zip, write a zip of a few."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from penstock.aws.errors import ServiceError
from penstock.pipelines.actions.provider import ArtifactLocation
from penstock.pipelines.artifact_paths import ArtifactFileMissing
from penstock.services.s3 import Objects

_EPOCH = (1980, 1, 1, 0, 0, 0)
MOST_BYTES = 1_048_576
"""The largest file that is read: CloudFormation's limit on a template."""


class ArtifactFiles:
    """Reads and writes the artifacts of one server's pipelines."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def read(self, inputs: Sequence[ArtifactLocation], artifact: str, path: str) -> str:
        """Return a file of an input artifact as text.

        Raises ArtifactFileMissing when the artifact is no input, has no such file, or when the
        file is no UTF-8 text of at most one megabyte.
        """
        place = next((each for each in inputs if each.name == artifact), None)
        if place is None:
            names = ", ".join(each.name for each in inputs) or "none"
            raise ArtifactFileMissing(
                f"artifact {artifact} is not an input artifact of this action (its inputs: {names})"
            )
        try:
            archive = await self._objects.path(place.bucket, place.key)
        except ServiceError as error:
            raise ArtifactFileMissing(f"artifact {artifact}: {error.message}") from error
        return await asyncio.to_thread(_member, archive, artifact, path)

    async def write(self, place: ArtifactLocation, files: Mapping[str, str]) -> None:
        """Store a zip of `files` (path → text) at `place`; equal files give equal bytes.

        Raises ServiceError NoSuchBucket.
        """
        await self._objects.put(
            place.bucket, place.key, _once(_zip(files)), content_type="application/zip"
        )

    async def write_text(self, place: ArtifactLocation, text: str) -> None:
        """Store `text` itself at `place`: a template that CloudFormation reads from S3."""
        await self._objects.put(
            place.bucket, place.key, _once(text.encode()), content_type="text/plain"
        )


def _member(archive: Path, artifact: str, path: str) -> str:
    try:
        with zipfile.ZipFile(archive) as opened:
            found = opened.getinfo(path)
            if found.file_size > MOST_BYTES:
                raise ArtifactFileMissing(
                    f"file {path} in artifact {artifact} has {found.file_size} bytes; at most "
                    f"{MOST_BYTES} are read"
                )
            return opened.read(found).decode("utf-8-sig")
    except KeyError:
        raise ArtifactFileMissing(f"artifact {artifact} has no file {path}") from None
    except (zipfile.BadZipFile, OSError) as error:
        raise ArtifactFileMissing(f"artifact {artifact} is not a readable zip: {error}") from error
    except UnicodeDecodeError as error:
        raise ArtifactFileMissing(
            f"file {path} in artifact {artifact} is not UTF-8 text: {error}"
        ) from error


def _zip(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            archive.writestr(zipfile.ZipInfo(path, _EPOCH), files[path])
    return buffer.getvalue()


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
