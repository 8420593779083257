"""What a build hands on: files are read from its container, chosen by globs, and zipped.

Only the directories that a pattern can match in are fetched. Everything large is on disk, in
temporary files; the zip of equal files is the same bytes.

Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html, artifacts
"""

import asyncio
import contextlib
import posixpath
import stat
import tarfile
import tempfile
import time
import zipfile
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from penstock.builds.build import PhaseContext
from penstock.builds.buildspec import ArtifactsSpec
from penstock.builds.globs import has_magic, literal_prefix, matches, normal, roots, select

ReadArchive = Callable[[str], AsyncGenerator[bytes, None]]
"""Absolute path → a tar of it; raises FileNotFoundError when there is none."""

_MOST_LINKS = 10
_MOST_IN_MEMORY = 64 * 1024
"""Of one fetched file or directory: small ones take no file descriptor."""
_EARLIEST = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or link as it was found: its tar, and its place there."""

    archive: tarfile.TarFile
    member: tarfile.TarInfo

    @property
    def is_link(self) -> bool:
        """Whether this is a symbolic link."""
        return self.member.issym()


class ArtifactError(Exception):
    """The artifacts cannot be made; `context` is the phase's CLIENT_ERROR."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.context = PhaseContext("CLIENT_ERROR", message)


class ArtifactReader:
    """Reads one container's files. Use as an async context manager: it ends its files."""

    def __init__(self, read: ReadArchive) -> None:
        self._read = read
        self._open = contextlib.ExitStack()

    async def __aenter__(self) -> "ArtifactReader":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._open.close()

    async def collect(self, spec: ArtifactsSpec, source_directory: str, target: Path) -> list[str]:
        """Write the zip of `spec` to `target` and return the log lines of its making.

        Raises ArtifactError when nothing matches, EngineError when the engine fails.
        """
        given = spec.base_directory or "."
        lines = [
            f"Expanding base directory path: {given}",
            "Assembling file list",
            f"Expanding {given}",
        ]
        chosen: dict[str, Entry] = {}
        for base in await self._bases(given, source_directory):
            lines += [f"Expanding file paths for base directory {base}", "Assembling file list"]
            lines += [f"Expanding {pattern}" for pattern in spec.files]
            found = await self._files(base, spec)
            paths, unmatched = await asyncio.to_thread(_select, list(found), spec)
            lines += [f"Skipping invalid file path {pattern}" for pattern in unmatched]
            for path in paths:
                name = posixpath.basename(path) if spec.discard_paths else path
                chosen[_archive_name(name)] = found[path]
        if not chosen:
            raise ArtifactError("no matching artifact paths found")
        lines.append(f"Found {len(chosen)} file(s)")
        await asyncio.to_thread(write_zip, chosen, target)
        return lines

    async def _bases(self, given: str, source_directory: str) -> list[str]:
        """Return the absolute directories that a base-directory, or its glob, stands for."""
        path = normal(posixpath.join(source_directory, given))
        if not has_magic(path):
            if not await self._is_directory(path):
                raise ArtifactError(f"no matching base directory path found for {given}")
            return [path]
        above = "/" + literal_prefix(path).strip("/")
        with contextlib.suppress(FileNotFoundError):
            below = await self._directories(above)
            found = [directory for directory in below if matches(path, directory)]
            if found:
                return sorted(found)
        raise ArtifactError(f"no matching base directory path found for {given}")

    async def _directories(self, above: str) -> list[str]:
        archive = await self._fetch(above)
        return [
            posixpath.join(above, _below_top(member.name))
            for member in archive.getmembers()
            if member.isdir() and _below_top(member.name)
        ]

    async def _is_directory(self, path: str) -> bool:
        try:
            async with contextlib.aclosing(self._read(path)) as chunks:
                async for chunk in chunks:
                    header = tarfile.TarInfo.frombuf(chunk[:512], "utf-8", "surrogateescape")
                    return not header.isreg()
        except FileNotFoundError:
            return False
        except tarfile.HeaderError:
            return True
        return False

    async def _files(self, base: str, spec: ArtifactsSpec) -> dict[str, Entry]:
        """Return relative path → file, of all that the patterns could match under `base`."""
        found: dict[str, Entry] = {}
        for root in roots([_relative(pattern, base) for pattern in spec.files]):
            top = posixpath.join(base, root) if root else base
            try:
                archive = await self._fetch(top)
            except FileNotFoundError:
                continue
            members = {
                posixpath.normpath(posixpath.join(top, _below_top(member.name))): member
                for member in archive.getmembers()
            }
            for member in members.values():
                path = normal(posixpath.join(root, _below_top(member.name)))
                if member.isreg() or member.islnk():
                    found[path] = Entry(archive, member)
                elif member.issym():
                    entry = Entry(archive, member)
                    if spec.enable_symlinks:
                        found[path] = entry
                    else:
                        absolute = posixpath.join(base, path)
                        found |= await self._followed(path, absolute, entry, members)
        return {_as_written(path, spec.files, base): entry for path, entry in found.items()}

    async def _followed(
        self, path: str, absolute: str, entry: Entry, near: Mapping[str, tarfile.TarInfo]
    ) -> dict[str, Entry]:
        """Return the file that a link means, under the link's own path; {} for any other.

        `near` are the files fetched with the link, by absolute path: those are not fetched again.
        """
        target, member = absolute, entry.member
        for _ in range(_MOST_LINKS):
            if not member.issym():
                is_file = member.isreg() or member.islnk()
                return {path: Entry(entry.archive, member)} if is_file else {}
            target = posixpath.normpath(posixpath.join(posixpath.dirname(target), member.linkname))
            if target not in near:
                break
            member = near[target]
        try:
            archive = await self._fetch(target, only_file=True)
        except FileNotFoundError:
            return {}
        members = archive.getmembers()
        return {path: Entry(archive, members[0])} if members and members[0].isreg() else {}

    async def _fetch(self, path: str, *, only_file: bool = False) -> tarfile.TarFile:
        """Read the tar of `path`, following it when it is a link itself."""
        for _ in range(_MOST_LINKS):
            archive = await self._spool(path, only_file=only_file)
            members = archive.getmembers()
            if len(members) != 1 or not members[0].issym():
                return archive
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), members[0].linkname))
        raise FileNotFoundError(path)

    async def _spool(self, path: str, *, only_file: bool) -> tarfile.TarFile:
        file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 (ends with self)
            _MOST_IN_MEMORY, prefix="penstock-artifacts-"
        )
        self._open.callback(file.close)
        async with contextlib.aclosing(self._read(path)) as chunks:
            first = True
            async for chunk in chunks:
                if first and only_file and chunk[156:157] == tarfile.DIRTYPE:
                    raise FileNotFoundError(path)
                first = False
                await asyncio.to_thread(file.write, chunk)
        file.seek(0)
        archive = await asyncio.to_thread(tarfile.open, fileobj=file, mode="r:")
        self._open.enter_context(archive)
        await asyncio.to_thread(archive.getmembers)
        return archive


def _select(found: Sequence[str], spec: ArtifactsSpec) -> tuple[list[str], list[str]]:
    """Return the chosen of the found files, and the patterns that match none of them."""
    unmatched = [
        pattern for pattern in spec.files if not any(matches(pattern, path) for path in found)
    ]
    return select(found, spec.files, spec.exclude_paths), unmatched


def _below_top(name: str) -> str:
    """Return a member's path below the archived file or directory itself."""
    return normal(name).partition("/")[2]


def _relative(pattern: str, base: str) -> str:
    """Return a pattern relative to `base`; an absolute one below it loses its beginning."""
    cleaned = normal(pattern)
    if cleaned.startswith(base.rstrip("/") + "/"):
        return cleaned[len(base.rstrip("/")) + 1 :]
    return cleaned


def _as_written(path: str, patterns: Sequence[str], base: str) -> str:
    """Return a file's path in the form in which the patterns name it."""
    absolute = posixpath.join(base, path)
    for pattern in patterns:
        if pattern.startswith("/") and matches(pattern, absolute):
            return absolute
    return path


def _archive_name(path: str) -> str:
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    return "/".join(parts)


def write_zip(entries: dict[str, Entry], target: Path) -> None:
    """Write the files, in order of name, with their modes and times; links as links."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as opened:
        for name in sorted(entries):
            entry = entries[name]
            member = entry.member
            moment = time.gmtime(max(0, member.mtime))[:6]
            info = zipfile.ZipInfo(name, max(_EARLIEST, moment))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            if entry.is_link:
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
                opened.writestr(info, member.linkname.encode("utf-8", "surrogateescape"))
                continue
            info.external_attr = (stat.S_IFREG | stat.S_IMODE(member.mode)) << 16
            source = entry.archive.extractfile(member)
            if source is None:
                continue
            with source, opened.open(info, "w", force_zip64=member.size > 2**31) as written:
                while piece := source.read(1 << 18):
                    written.write(piece)
