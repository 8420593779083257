"""Files that are whole or absent after a crash, and directories whose entries are on disk."""

import contextlib
import os
from pathlib import Path


def fsync_directory(path: Path) -> None:
    """Make entries of the directory `path` (new names, renames, removals) durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Put `content` at `path`, replacing what is there; after a crash it is old or new, whole."""
    temporary = path.with_name(f".{path.name}.new")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()  # left by a crash
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    fsync_directory(path.parent)
