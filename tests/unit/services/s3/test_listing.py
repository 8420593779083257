"""Lists against a model that looks at every key; and how much a common prefix costs."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.services.s3.listing import Place, common_prefix, past, successor, walk

KEYS = st.text(alphabet=st.sampled_from("ab/\ud7ff\ue000\U0010ffff"), min_size=1, max_size=6)


def fetch_from(keys, log=None):
    ordered = sorted(set(keys))

    def fetch(place, end, limit):
        found = [
            key
            for key in ordered
            if (key > place.key if place.behind is not None else key >= place.key)
            and (end is None or key < end)
        ]
        if log is not None:
            log.append(place.key)
        return found[:limit]

    return fetch


def behind(key):
    return Place(key, 0)


def entries(keys, prefix, delimiter):
    """Every key under `prefix`, rolled up, in order and each once."""
    found = {}
    for key in sorted(set(keys)):
        if key.startswith(prefix):
            found[common_prefix(key, prefix, delimiter) or key] = None
    return list(found)


@given(
    st.lists(KEYS, max_size=30),
    st.sampled_from(["", "a", "a/", "\U0010ffff", "b"]),
    st.sampled_from(["", "/", "a", "\U0010ffff"]),
    st.integers(1, 5),
)
def test_pages_make_up_what_a_full_walk_gives(keys, prefix, delimiter, limit):
    expected = entries(keys, prefix, delimiter)
    found = []
    place = Place()
    for _ in range(len(expected) + 1):
        page = walk(fetch_from(keys), behind, place, limit, prefix=prefix, delimiter=delimiter)
        found += sorted([*page.items, *page.prefixes])
        if page.last is None:
            break
        assert len(page) == limit
        rolled_up = page.last in page.prefixes
        place = past(page.last) if rolled_up else behind(page.last)
    assert page.last is None
    assert sorted(found) == sorted(expected)
    assert len(found) == len(expected)


@given(st.text(), st.text())
def test_the_successor_is_the_least_above_a_prefix(prefix, other):
    following = successor(prefix)
    assert following is None or other.startswith(prefix) == (prefix <= other < following)


def test_surrogates_are_stepped_over():
    assert successor("a\ud7ff") == "a\ue000"
    assert successor("a\U0010ffff") == "b"
    assert successor("\U0010ffff") is None


def test_a_common_prefix_costs_a_seek_and_not_its_keys():
    keys = [f"big/{n:05}" for n in range(10_000)] + ["small/1", "z"]
    log = []
    page = walk(fetch_from(keys, log), behind, Place(), 1000, delimiter="/")
    assert (page.prefixes, page.items, page.last) == (["big/", "small/"], ["z"], None)
    assert log == ["", "big0"]
