"""Source zips as tar streams, for the engine's archive API.

Executable bits and symbolic links are kept; an entry that would leave its directory is refused.
Flat in memory: entries are read and written in pieces.
"""

import asyncio
import calendar
import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

_PIECE = 1 << 18
_BLOCK = 512
_ENDING = b"\0" * (2 * _BLOCK)
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError)
"""What zipfile raises for a broken, foreign or encrypted archive."""
LARGEST_READ = 4 * 1024 * 1024
"""The most of one file that is held in memory: a buildspec has some kilobytes."""
_LONGEST_LINK = 4096
"""Linux's PATH_MAX."""


class BadArchive(Exception):
    """A source archive that cannot be unpacked; the message is the user's."""


def safe_name(name: str) -> str:
    """Return an entry's path below its directory; raise BadArchive if it would leave it."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise BadArchive(f"the source archive holds the path {name!r}, outside of its directory")
    return str(path)


def zip_as_tar(archive: Path, directory: str) -> Iterator[bytes]:
    """Yield a tar that puts the zip's tree at the absolute path `directory`. Raises BadArchive."""
    prefix = directory.strip("/")
    yield from _directories(prefix)
    try:
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                name = safe_name(entry.filename)
                if name != ".":
                    yield from _entry(opened, entry, f"{prefix}/{name}")
    except _ZIP_ERRORS as error:
        raise BadArchive(f"the source is not a usable zip archive: {error}") from error


def tree_as_tar(tree: Path, directory: str) -> Iterator[bytes]:
    """Yield a tar that puts the tree under `tree` at the absolute path `directory`."""
    prefix = directory.strip("/")
    yield from _directories(prefix)
    for path in sorted(tree.rglob("*")):
        entry = tarfile.TarInfo(f"{prefix}/{path.relative_to(tree)}")
        status = path.lstat()
        # As git keeps modes, whatever this server's umask made of them.
        executable = path.is_dir() or status.st_mode & stat.S_IXUSR
        entry.mode, entry.mtime = 0o755 if executable else 0o644, int(status.st_mtime)
        if path.is_symlink():
            entry.type, entry.linkname = tarfile.SYMTYPE, str(path.readlink())
            yield _header(entry)
        elif path.is_dir():
            entry.type = tarfile.DIRTYPE
            yield _header(entry)
        elif path.is_file():
            entry.size = status.st_size
            yield _header(entry)
            with path.open("rb") as file:
                yield from _padded(file, entry.size)


def files_as_tar(files: dict[str, bytes]) -> Iterator[bytes]:
    """Yield a tar of small files, by their absolute paths."""
    for path, content in files.items():
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.size, entry.mode = len(content), 0o755 if path.endswith(".sh") else 0o644
        yield _header(entry)
        yield from _padded(io.BytesIO(content), entry.size)


def empty_directory_as_tar(directory: str) -> Iterator[bytes]:
    """Yield a tar that makes a directory."""
    yield from _directories(directory.strip("/"))


def read_from_zip(archive: Path, name: str) -> bytes | None:
    """Return one file of a zip, None when it is not there. Raises BadArchive."""
    wanted = str(PurePosixPath(name))
    try:
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                if not entry.is_dir() and safe_name(entry.filename) == wanted:
                    return _read_small(opened, entry, LARGEST_READ)
    except _ZIP_ERRORS as error:
        raise BadArchive(f"the source is not a usable zip archive: {error}") from error
    return None


def read_from_tree(tree: Path, name: str) -> bytes | None:
    """Return one file of a directory, None when it is not there. Raises BadArchive."""
    path = tree / safe_name(name)
    if not path.is_file() or not path.resolve().is_relative_to(tree.resolve()):
        return None
    with path.open("rb") as file:
        content = file.read(LARGEST_READ + 1)
    if len(content) > LARGEST_READ:
        raise _too_large(name, path.stat().st_size, LARGEST_READ)
    return content


async def streamed(parts: Iterator[bytes], *, ended: bool = True) -> AsyncIterator[bytes]:
    """Yield what a blocking iterator gives, read in threads; `ended` closes the tar."""
    while True:
        piece = await asyncio.to_thread(_gather, parts)
        if not piece:
            break
        yield piece
    if ended:
        yield _ENDING


def _read_small(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """Return an entry's content, of which zipfile gives no more than the entry says."""
    if entry.file_size > most:
        raise _too_large(entry.filename, entry.file_size, most)
    return opened.read(entry)


def _too_large(name: str, size: int, most: int) -> BadArchive:
    return BadArchive(f"expected at most {most} bytes in {name} of the source, found {size}")


def _gather(parts: Iterator[bytes]) -> bytes:
    gathered, size = [], 0
    for part in parts:
        gathered.append(part)
        size += len(part)
        if size >= _PIECE:
            break
    return b"".join(gathered)


def _directories(prefix: str) -> Iterator[bytes]:
    """Yield the directories down to `prefix`, so that all of them are root's and readable."""
    parts = prefix.split("/")
    for depth in range(1, len(parts) + 1):
        entry = tarfile.TarInfo("/".join(parts[:depth]))
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        yield _header(entry)


def _entry(opened: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    mode = info.external_attr >> 16
    entry = tarfile.TarInfo(name)
    entry.mtime = _time_of(info)
    if info.is_dir():
        entry.type, entry.mode = tarfile.DIRTYPE, stat.S_IMODE(mode) or 0o755
        yield _header(entry)
    elif stat.S_ISLNK(mode):
        entry.type, entry.mode = tarfile.SYMTYPE, 0o777
        target = _read_small(opened, info, _LONGEST_LINK)
        entry.linkname = target.decode("utf-8", "surrogateescape")
        yield _header(entry)
    else:
        entry.size, entry.mode = info.file_size, stat.S_IMODE(mode) or 0o644
        yield _header(entry)
        with opened.open(info) as file:
            yield from _padded(file, entry.size)


def _time_of(info: zipfile.ZipInfo) -> int:
    """Return an entry's time; many archives have none, which reads as month and day 0."""
    try:
        return max(0, calendar.timegm((*info.date_time, 0, 0, 0)))
    except ValueError:
        return 0


def _padded(file: IO[bytes], size: int) -> Iterator[bytes]:
    left = size
    while left:
        piece = file.read(min(_PIECE, left))
        if not piece:
            raise BadArchive("the source archive is shorter than it says")
        left -= len(piece)
        yield piece
    yield b"\0" * (-size % _BLOCK)


def _header(entry: tarfile.TarInfo) -> bytes:
    return entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
