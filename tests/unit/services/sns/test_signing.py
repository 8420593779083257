from datetime import timedelta
from pathlib import Path

from penstock.clock import utc_now
from penstock.services.sns.signing import Signer


def test_the_key_is_kept_and_its_owners_alone(tmp_path: Path) -> None:
    first, second = Signer(tmp_path, utc_now), Signer(tmp_path, utc_now)
    assert first.certificate_pem == second.certificate_pem
    assert first.sign(b"x", "2") == second.sign(b"x", "2")
    [file] = tmp_path.iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert b"PRIVATE" not in first.certificate_pem


def test_a_new_pair_comes_before_the_old_ends(tmp_path: Path) -> None:
    first = Signer(tmp_path, utc_now).certificate_name
    later = Signer(tmp_path, lambda: utc_now() + timedelta(days=5 * 365 - 29))
    assert later.certificate_name != first
