"""Ids: random ones that nobody is given twice, and derived ones that are always the same."""

import os
import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from penstock import ids


def test_a_uuid_is_random_and_of_version_4() -> None:
    made = {ids.new_uuid() for _ in range(5000)}
    assert len(made) == 5000
    assert {uuid.UUID(each).version for each in made} == {4}
    assert {uuid.UUID(each).variant for each in made} == {uuid.RFC_4122}


def test_a_derived_uuid_is_the_one_of_rfc_4122_for_its_name() -> None:
    for parts in (("stack", "resource"), ("ü", ""), *((str(number),) for number in range(50))):
        made = ids.derived_uuid(*parts)
        assert made == str(uuid.uuid5(ids._NAMESPACE, "\x1f".join(parts)))
    kept = "bb6789ef-9436-5a31-9305-8d98883b1bae"  # resources carry such ids: they stay the same
    assert ids.derived_uuid("stack", "operation", "resource") == kept


def test_threads_are_given_different_bytes() -> None:
    start = threading.Barrier(8)

    def draw(_: int) -> list[str]:
        start.wait()
        return [ids.new_uuid() for _ in range(1000)]

    with ThreadPoolExecutor(8) as pool:
        made = [each for drawn in pool.map(draw, range(8)) for each in drawn]
    assert len(set(made)) == 8000


def test_a_forked_process_is_given_other_bytes() -> None:
    ids.new_uuid()  # so that some are left
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, ids.new_uuid().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100).decode() != ids.new_uuid()


def test_every_character_comes_as_often() -> None:
    for made, characters in ((ids.new_alphanumeric, 62), (ids.new_base32, 32)):
        counts = Counter("".join(made(620) for _ in range(100)))
        assert len(counts) == characters
        expected = 62_000 / characters
        assert all(0.8 * expected < count < 1.2 * expected for count in counts.values())
