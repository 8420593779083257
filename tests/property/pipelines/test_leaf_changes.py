"""Properties of what an approver reads: every changed leaf is there, once, and nothing raises."""

import json
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from penstock.pipelines import review_words
from penstock.pipelines.leaf_changes import leaf_changes, leaves

_TEXTS = st.text(max_size=4).filter(lambda text: not text.startswith(("{", "[")))
_SCALARS = _TEXTS | st.integers(-9, 9) | st.booleans() | st.none()
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["Name", "Key", "Value", "Id", "a.b", "c"]), inner)
        | st.lists(
            st.fixed_dictionaries({"Name": st.sampled_from("abc"), "Value": inner}), max_size=3
        )
    ),
    max_leaves=12,
)
_CONTAINERS = _VALUES.filter(lambda value: isinstance(value, dict | list))


def _texts(value: Any) -> Counter[str]:
    """Return every leaf's text: an oracle that walks the value with nothing of the product's."""
    if isinstance(value, dict) and value:
        return sum((_texts(each) for each in value.values()), Counter())
    if isinstance(value, list) and value:
        return sum((_texts(each) for each in value), Counter())
    return Counter([value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)])


@given(_CONTAINERS, _CONTAINERS)
def test_what_is_not_told_as_changed_is_the_same_before_and_after(before: Any, after: Any) -> None:
    found = leaf_changes("P", json.dumps(before), json.dumps(after))
    assert all(each.before != each.after for each in found)
    told_before = Counter(each.before for each in found if each.before is not None)
    told_after = Counter(each.after for each in found if each.after is not None)
    kept_before, kept_after = _texts(before), _texts(after)
    kept_before.subtract(told_before)
    kept_after.subtract(told_after)
    names = {"a", "b", "c"}  # of pairs: a name that stays or is the label is no leaf of its own
    for kept in (kept_before, kept_after):
        for name in names:
            del kept[name]
        assert min(kept.values(), default=0) >= 0
    assert +kept_before == +kept_after


@given(
    st.dictionaries(st.sampled_from("abcdef"), _SCALARS),
    st.dictionaries(st.sampled_from("abcdef"), _SCALARS),
)
def test_each_changed_member_is_told_exactly_once(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    found = leaf_changes("P", json.dumps(before), json.dumps(after))
    if before and after:
        changed = [
            key
            for key in before.keys() | after.keys()
            if key not in before or key not in after or _texts(before[key]) != _texts(after[key])
        ]
        assert sorted(each.path for each in found) == sorted(f"P.{key}" for key in changed)


@given(_CONTAINERS)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert leaf_changes("P", json.dumps(value), json.dumps(value, indent=1)) == []


@given(st.text(max_size=30) | st.none(), st.text(max_size=30) | st.none())
def test_no_text_is_too_strange(before: str | None, after: str | None) -> None:
    found = leaf_changes("P", before, after)
    assert bool(found) or before == after or json.loads(before or "0") == json.loads(after or "0")


@given(st.integers(1, 3000), st.sampled_from("[{"))
def test_no_nesting_is_too_deep(depth: int, bracket: str) -> None:
    inner = "[" * depth + "]" * depth if bracket == "[" else '{"a":' * depth + "1" + "}" * depth
    assert leaf_changes("P", inner, "x")
    assert leaves("P", inner)


_DETAILS = st.fixed_dictionaries(
    {
        "Target": st.fixed_dictionaries(
            {"Attribute": st.sampled_from(["Properties", "Tags", "Metadata"])},
            optional={
                "Name": st.text(max_size=3),
                "Path": st.text(alphabet="/a0~1", max_size=6),
                "BeforeValue": st.text(max_size=9) | _CONTAINERS.map(json.dumps),
                "AfterValue": st.text(max_size=9) | _CONTAINERS.map(json.dumps),
                "RequiresRecreation": st.sampled_from(["Never", "Always", "Conditionally"]),
            },
        ),
    },
    optional={
        "Evaluation": st.sampled_from(["Static", "Dynamic"]),
        "ChangeSource": st.sampled_from(["ParameterReference", "ResourceAttribute", "Automatic"]),
        "CausingEntity": st.text(max_size=3),
    },
)
_CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "Action": st.sampled_from(["Add", "Modify", "Remove", "Import", "Dynamic"]),
        "LogicalResourceId": st.text(max_size=3),
        "Replacement": st.sampled_from(["True", "False", "Conditional"]),
        "Details": st.lists(_DETAILS, max_size=4),
        "AfterContext": st.text(max_size=9) | _CONTAINERS.map(json.dumps),
    },
)


@given(st.lists(_CHANGES, max_size=3))
def test_every_change_has_words_that_can_be_printed(changes: list[dict[str, Any]]) -> None:
    found = review_words.resource_words(changes)
    assert len(found) == len(changes)
    for given_change, each in zip(changes, found, strict=True):
        assert each.outcome is not None
        if each.action == "Modify" and given_change.get("Details"):
            assert each.properties
            assert each.why
        for words in each.properties:
            for text in (words.path, words.before, words.after):
                assert text is None or all(c.isprintable() or c in "\n\t" for c in text)
