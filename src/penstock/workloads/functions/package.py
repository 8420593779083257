"""A function's .zip file, checked and unpacked into a tar as the engine takes it: pure.

Every file is readable by the user that functions run as, whatever its mode in the archive.
Source of the limits: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

import base64
import hashlib
import io
import stat
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from penstock.aws.errors import ServiceError
from penstock.workloads.functions.refusals import invalid

MOST_ZIPPED_BYTES = 52_428_800
"""Of a .zip file in a request; one in S3 is limited unpacked alone."""
MOST_UNPACKED_BYTES = 262_144_000
MOST_ENTRIES = 50_000
"""AWS has no such limit, but for what its unpacking takes."""
_MOST_DIRECTORY_BYTES = 32 << 20
_MOST_LINK_BYTES = 4_096
_ENTRY = b"PK\x01\x02"
"""What each entry of the archive's directory begins with."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The others of zipfile unpack as much as there is at once, whatever is asked for."""
_DAMAGED = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What zipfile raises for what it cannot read; ValueError for names that are no text."""
_BLOCK = 1 << 20
_READABLE_FILE, _READABLE_DIRECTORY = 0o444, 0o555


@dataclass(frozen=True, slots=True)
class Package:
    """What is known of a .zip file."""

    size: int
    sha256: str
    """In base64."""


def unpack(source: IO[bytes], target: IO[bytes]) -> Package:
    """Write the .zip file `source` to `target` as a tar; both are read and written in place.

    Raises InvalidParameterValue for what is no .zip file, or damaged, or packed by another method
    than deflate, or too large, or leads out of itself.
    """
    digest, size = hashlib.sha256(), 0
    source.seek(0)
    while block := source.read(_BLOCK):
        digest.update(block)
        size += len(block)
    try:
        with zipfile.ZipFile(_Counted(source)) as archive:
            _copy(archive, target)
    except _DAMAGED as error:
        raise _unreadable() from error
    return Package(size, base64.b64encode(digest.digest()).decode())


class _Counted:
    """A .zip file whose directory is bounded.

    zipfile reads the directory at once and makes an object of each entry, before anybody could
    count them; nothing else that it reads at once is as large.
    """

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.seek = source.seek
        self.tell = source.tell
        self.seekable = source.seekable

    def read(self, size: int = -1) -> bytes:
        """Read like the file itself; InvalidParameterValue for a directory that is too large."""
        if size > _MOST_DIRECTORY_BYTES:
            raise _unreadable()
        data = self._source.read(size)
        if data.count(_ENTRY) > MOST_ENTRIES:
            raise invalid(f"Expected at most {MOST_ENTRIES} files in the .zip file, found more.")
        return data


def _unreadable() -> ServiceError:
    return invalid(
        "Could not unzip uploaded file. Please check your file, then try to upload again."
    )


def _copy(archive: zipfile.ZipFile, target: IO[bytes]) -> None:
    entries = archive.infolist()
    if not entries:
        raise invalid("Uploaded file must be a non-empty zip")
    room = MOST_UNPACKED_BYTES
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            path = PurePosixPath(entry.filename)
            if path.is_absolute() or ".." in path.parts or "\0" in entry.filename:
                raise invalid(
                    f"Expected paths inside the archive, found {entry.filename!r} in the .zip file."
                )
            if entry.compress_type not in _METHODS:
                raise _unreadable()
            room -= entry.file_size
            if room < 0:
                raise invalid(f"Unzipped size must be smaller than {MOST_UNPACKED_BYTES} bytes")
            _add(tar, archive, entry, str(path))


def _add(tar: tarfile.TarFile, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: str) -> None:
    mode = entry.external_attr >> 16
    made = tarfile.TarInfo(path)
    if entry.is_dir():
        made.type = tarfile.DIRTYPE
        made.mode = stat.S_IMODE(mode) | 0o700 | _READABLE_DIRECTORY
        tar.addfile(made)
    elif stat.S_ISLNK(mode):
        made.type = tarfile.SYMTYPE
        if entry.file_size > _MOST_LINK_BYTES:
            raise invalid(
                f"Expected links of at most {_MOST_LINK_BYTES} bytes, found {entry.filename!r} in "
                f"the .zip file with {entry.file_size}."
            )
        with archive.open(entry) as content:  # to a size: else it unpacks all that there is
            target = content.read(_MOST_LINK_BYTES + 1)
        made.linkname = target.decode("utf-8", "surrogateescape")
        tar.addfile(made)
    else:
        made.mode = (stat.S_IMODE(mode) or 0o644) | _READABLE_FILE
        made.size = entry.file_size
        with archive.open(entry) as content:  # raises BadZipFile where it is longer than it says
            tar.addfile(made, content)


def zipped(files: dict[str, bytes]) -> bytes:
    """Return a .zip file of these files; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
