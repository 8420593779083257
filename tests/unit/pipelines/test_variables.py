import pytest

from penstock.pipelines.variables import Reference, UnresolvedVariables, references, resolve


def test_references_are_found_in_order_and_malformed_ones_have_no_namespace() -> None:
    assert list(references("a #{S.Commit-Id} #{x} #{a.b.c} ${no}")) == [
        Reference("#{S.Commit-Id}", "S", "Commit-Id"),
        Reference("#{x}", "", ""),
        Reference("#{a.b.c}", "", ""),
    ]


def test_values_are_put_in_once_and_not_looked_at_again() -> None:
    resolved = resolve({"A": "1 #{S.X} #{S.X}", "B": "plain"}, {"S": {"X": "#{S.Y}", "Y": "no"}})
    assert resolved == {"A": "1 #{S.Y} #{S.Y}", "B": "plain"}


def test_every_missing_variable_is_named() -> None:
    with pytest.raises(UnresolvedVariables, match=r"#\{S\.Y\}, #\{T\.Z\}"):
        resolve({"A": "#{S.X} #{S.Y}", "B": "#{T.Z}"}, {"S": {"X": "1"}})
