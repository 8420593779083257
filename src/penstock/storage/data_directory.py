"""The data directory: where everything that survives a restart stands, and its lock.

    DIR/lock            held (flock) while a server runs; its text is the holder's process id
    DIR/instance-id     names this directory's objects in the container engine
    DIR/penstock.db     the database
    DIR/repositories/ blobs/ functions/ logs/ certificates/ keys/

The directory is readable by its owner alone: it holds secrets' key and builds' artifacts.
"""

import fcntl
import os
from pathlib import Path

from penstock.ids import new_alphanumeric
from penstock.storage.durable_files import fsync_directory, write_file

_DIRECTORIES = ("repositories", "blobs", "functions", "logs", "certificates", "keys")
_INSTANCE_ID_LENGTH = 10


class DataDirectoryLocked(Exception):
    """Another process serves this data directory; `pid` is its process id, when known."""

    def __init__(self, path: Path, pid: int | None) -> None:
        holder = f"process {pid}" if pid is not None else "another process"
        super().__init__(
            f"expected the data directory {path} to be free, found it in use by {holder}; "
            "stop that server, or choose another directory with --data-dir"
        )
        self.path = path
        self.pid = pid


class DataDirectory:
    """An open, locked data directory; made by `open`, released by `close` or the process's end."""

    def __init__(self, path: Path, instance_id: str, lock: int) -> None:
        self.path = path
        self.instance_id = instance_id
        """Ten random lower-case letters and digits, made once; part of engine objects' names."""
        self._lock: int | None = lock

    @classmethod
    def open(cls, path: Path) -> "DataDirectory":
        """Lock the directory, making it and its layout when absent.

        Raises DataDirectoryLocked when a living process holds it.
        """
        path = path.absolute()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = _lock(path)
        try:
            for name in _DIRECTORIES:
                (path / name).mkdir(mode=0o700, exist_ok=True)
            fsync_directory(path)
            return cls(path, _instance_id(path / "instance-id"), lock)
        except BaseException:
            os.close(lock)
            raise

    @property
    def database_path(self) -> Path:
        """The SQLite file."""
        return self.path / "penstock.db"

    @property
    def repositories(self) -> Path:
        """Bare git repositories."""
        return self.path / "repositories"

    @property
    def blobs(self) -> Path:
        """Contents of S3 objects (`storage.blobs`)."""
        return self.path / "blobs"

    @property
    def functions(self) -> Path:
        """Code of functions (`storage.blobs`)."""
        return self.path / "functions"

    @property
    def logs(self) -> Path:
        """Log streams (`storage.log_files`)."""
        return self.path / "logs"

    @property
    def certificates(self) -> Path:
        """The certificate authority that Tasks trust, and what it signed."""
        return self.path / "certificates"

    @property
    def keys(self) -> Path:
        """Keys that never leave this machine: secrets' encryption, token signing."""
        return self.path / "keys"

    def close(self) -> None:
        """Release the lock; repeating it does nothing."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _lock(path: Path) -> int:
    descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).strip()
        os.close(descriptor)
        raise DataDirectoryLocked(path, int(holder) if holder.isdigit() else None) from None
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _instance_id(file: Path) -> str:
    if not file.exists():
        write_file(file, f"{new_alphanumeric(_INSTANCE_ID_LENGTH).lower()}\n".encode(), 0o644)
    return file.read_text().strip()
