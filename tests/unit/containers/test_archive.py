import io
import tarfile

from penstock.containers.archive import pack
from penstock.containers.task import File


def test_files_keep_path_mode_and_content() -> None:
    packed = pack([File("/etc/a", b"one"), File("/usr/bin/b", b"two", 0o755)])
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        members = {member.name: member for member in tar.getmembers()}
        assert set(members) == {"etc/a", "usr/bin/b"}
        assert members["etc/a"].mode == 0o644
        assert members["usr/bin/b"].mode == 0o755
        assert (members["etc/a"].uid, members["etc/a"].gid) == (0, 0)
        content = tar.extractfile("usr/bin/b")
        assert content is not None
        assert content.read() == b"two"


def test_equal_files_give_equal_bytes() -> None:
    files = [File("/a", b"x")]
    assert pack(files) == pack(files)
