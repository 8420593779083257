"""Tar archives for the engine's archive API, which is how files reach a container."""

import io
import tarfile
from collections.abc import Iterable
from pathlib import PurePosixPath

from penstock.containers.task import File


def pack(files: Iterable[File]) -> bytes:
    """Return a tar of `files`, to be unpacked at `/`; the engine makes missing directories.

    Owner is root and times are zero, so equal files give equal bytes.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for file in files:
            entry = tarfile.TarInfo(str(PurePosixPath(file.path)).lstrip("/"))
            entry.size = len(file.content)
            entry.mode = file.mode
            tar.addfile(entry, io.BytesIO(file.content))
    return buffer.getvalue()
