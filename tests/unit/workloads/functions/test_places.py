"""Which of those that wait has room."""

from penstock.workloads.functions.places import MOST_OF_A_KIND, MOST_OF_ONE, Kind, Place, fitting

ENOUGH = 1 << 20


def calls(*names: str, kind: Kind = Kind.CALL, memory_mb: int = 128) -> list[Place]:
    return [Place(kind, name, memory_mb) for name in names]


def test_the_longest_waiting_come_first() -> None:
    asked = calls("a", "b", "c", "d", "e", "f")
    assert fitting([], asked, ENOUGH) == [0, 1, 2, 3, 4]
    assert fitting(asked[:4], asked[4:], ENOUGH) == [0]


def test_no_function_takes_all_of_a_kind() -> None:
    asked = calls(*["a"] * 10, "b")
    assert fitting([], asked, ENOUGH) == [*range(MOST_OF_ONE), 10]


def test_long_backlogs_keep_nobody_out() -> None:
    """Two functions with hundreds of events took every place that became free."""
    held = calls("a", "a", "b", "b")
    asked = calls(*["a", "b"] * 100, "c")
    assert fitting(held, asked, ENOUGH) == [200]
    assert fitting(held[:3], asked, ENOUGH) == [1, 200]


def test_each_kind_has_places_of_its_own() -> None:
    """What a function waits for finds room, however many such functions there are."""
    held = calls(*"abcde") + calls(*"abcde", kind=Kind.EVENT)
    assert len(held) == 2 * MOST_OF_A_KIND
    asked = calls("a", kind=Kind.EVENT) + calls("a") + calls(*"abcdef", kind=Kind.NESTED)
    assert fitting(held, asked, ENOUGH) == [2, 3, 4, 5, 6]


def test_they_share_the_memory_that_there_is() -> None:
    """Ten of up to 10 GB each ran at once, on whatever machine."""
    held = calls("a", memory_mb=1024)
    assert fitting(held, calls(*"bcd", memory_mb=512), 2048) == [0, 1]
    assert fitting(held, calls("b", kind=Kind.EVENT, memory_mb=512), 2048) == [0]


def test_one_of_each_kind_runs_whatever_it_asks_for() -> None:
    """What a function waits for would otherwise wait for the memory of that function."""
    held = calls("a", memory_mb=2048)
    asked = calls("b", memory_mb=128) + calls("c", kind=Kind.NESTED, memory_mb=10_240)
    assert fitting([], calls("a", memory_mb=10_240), 2048) == [0]
    assert fitting(held, asked, 2048) == [1]


def test_who_waits_for_memory_is_not_overtaken() -> None:
    """Small functions that came without a pause would keep a large one out."""
    held = calls("a", memory_mb=1024)
    asked = calls("large", memory_mb=2048) + calls("b") + calls("c", kind=Kind.EVENT)
    assert fitting(held, asked, 2048) == [2]


def test_only_who_has_fewer_overtakes_who_waits_for_memory() -> None:
    held = calls("large", memory_mb=1024) + calls("b")
    asked = calls("large", memory_mb=1024) + calls("b") + calls("c")
    assert fitting(held, asked, 2048) == [2]
