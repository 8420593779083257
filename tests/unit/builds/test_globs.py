import time

import pytest

from penstock.builds.globs import literal_prefix, matches, normal, roots, select

FILES = [
    "version.json", ".hidden", "dist/app.js", "dist/css/site.css", "dist/css/.map",
    "src/a.py", "src/pkg/b.py", "src/pkg/deep/c.py", "a[1].txt", "README",
]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("**/*", FILES),
        ("*", ["version.json", ".hidden", "a[1].txt", "README"]),
        ("dist/*", ["dist/app.js"]),
        ("dist/**/*", ["dist/app.js", "dist/css/site.css", "dist/css/.map"]),
        ("**/*.py", ["src/a.py", "src/pkg/b.py", "src/pkg/deep/c.py"]),
        ("src/**/c.py", ["src/pkg/deep/c.py"]),
        ("src/*/b.py", ["src/pkg/b.py"]),
        ("./version.json", ["version.json"]),
        ("version.jso?", ["version.json"]),
        ("[RV]EADME", ["README"]),
        ("[!R]EADME", []),
        ("dist", []),
        ("absent", []),
        ("dist/**", ["dist/app.js", "dist/css/site.css", "dist/css/.map"]),
    ],
)
def test_patterns(pattern: str, expected: list[str]) -> None:
    assert select(FILES, [pattern], []) == sorted(expected)


def test_an_exclusion_of_a_directory_excludes_what_is_below_it() -> None:
    assert select(FILES, ["**/*"], ["src", "dist/css/**/*", "*.json"]) == [
        ".hidden", "README", "a[1].txt", "dist/app.js"
    ]  # fmt: skip


def test_a_bracket_that_closes_nowhere_is_itself() -> None:
    assert matches("a[1", "a[1")


def test_only_what_can_match_is_fetched() -> None:
    assert roots(["version.json"]) == ["version.json"]
    assert roots(["dist/**/*", "dist/css/*", "version.json"]) == ["dist", "version.json"]
    assert roots(["**/*", "dist/*"]) == [""]
    assert roots(["target/*.jar", "target/classes/x"]) == ["target"]
    assert literal_prefix("a/b*/c") == "a"
    assert normal("./a//b/") == "a/b"
    assert normal(".") == ""


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 30 + "*b", "a" * 250),
        ("**/a/" * 20 + "b", "a/" * 1000 + "c"),
        ("[ab]*" * 30 + "c", "ab" * 120),
    ],
)
def test_no_pattern_takes_for_ever(pattern: str, path: str) -> None:
    """Locks: a buildspec's glob could keep the whole server from its work."""
    started = time.monotonic()
    assert not matches(pattern, path)
    assert time.monotonic() - started < 2
