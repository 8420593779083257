"""Which of those that wait has room."""

from penstock.workloads.functions.places import MOST_OF_A_KIND, MOST_OF_ONE, Kind, Place, fitting


def calls(*names: str, kind: Kind = Kind.CALL) -> list[Place]:
    return [Place(kind, name) for name in names]


def test_the_longest_waiting_come_first() -> None:
    asked = calls("a", "b", "c", "d", "e", "f")
    assert fitting([], asked) == [0, 1, 2, 3, 4]
    assert fitting(asked[:4], asked[4:]) == [0]


def test_no_function_takes_all_of_a_kind() -> None:
    asked = calls(*["a"] * 10, "b")
    assert fitting([], asked) == [*range(MOST_OF_ONE), 10]


def test_each_kind_has_places_of_its_own() -> None:
    """What a function waits for finds room, however many such functions there are."""
    held = calls(*"abcde") + calls(*"abcde", kind=Kind.EVENT)
    assert len(held) == 2 * MOST_OF_A_KIND
    asked = calls("a", kind=Kind.EVENT) + calls("a") + calls(*"abcdef", kind=Kind.NESTED)
    assert fitting(held, asked) == [2, 3, 4, 5, 6]
