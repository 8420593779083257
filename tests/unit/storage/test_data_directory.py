"""The data directory's layout, instance id and lock."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.storage.data_directory import DataDirectory, DataDirectoryLocked

_HOLDER = """
import pathlib, sys, time
from penstock.storage.data_directory import DataDirectory
held = DataDirectory.open(pathlib.Path(sys.argv[1]))
print(held.instance_id, flush=True)
time.sleep(60)
"""


def test_open_makes_the_layout_readable_by_its_owner_alone(tmp_path: Path) -> None:
    directory = DataDirectory.open(tmp_path / "a" / "data")
    try:
        for part in ("repositories", "blobs", "functions", "logs", "certificates", "keys"):
            path = getattr(directory, part)
            assert path.is_dir()
            assert path.parent == directory.path
            assert path.stat().st_mode & 0o077 == 0
        assert directory.path.stat().st_mode & 0o077 == 0
        assert directory.database_path.parent == directory.path
    finally:
        directory.close()


def test_instance_id_is_made_once(tmp_path: Path) -> None:
    first = DataDirectory.open(tmp_path)
    first.close()
    second = DataDirectory.open(tmp_path)
    second.close()
    assert re.fullmatch("[a-z0-9]{10}", first.instance_id)
    assert second.instance_id == first.instance_id


def test_a_second_opener_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    directory = DataDirectory.open(tmp_path)
    try:
        with pytest.raises(DataDirectoryLocked) as refused:
            DataDirectory.open(tmp_path)
    finally:
        directory.close()
    assert refused.value.pid == os.getpid()
    assert f"in use by process {os.getpid()}" in str(refused.value)
    assert "--data-dir" in str(refused.value)
    directory.close()
    DataDirectory.open(tmp_path).close()


def test_a_killed_holder_releases_the_lock(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        instance_id = holder.stdout.readline().strip()
        with pytest.raises(DataDirectoryLocked) as refused:
            DataDirectory.open(tmp_path)
        assert refused.value.pid == holder.pid
        holder.send_signal(signal.SIGKILL)
    reopened = DataDirectory.open(tmp_path)
    reopened.close()
    assert reopened.instance_id == instance_id
