"""IAM's wildcards: `*` is any run of characters, also none; `?` is exactly one.

Matching takes time proportional to pattern x text, whatever the pattern: policies are
users' input, and a regular expression of many stars would let one of them stall the server.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

from collections.abc import Callable, Iterable

Matcher = Callable[[str], bool]


def matches(pattern: str, text: str) -> bool:
    """Return whether the whole of `text` fits `pattern`; case counts."""
    position = mark = 0
    star = -1
    index = 0
    while index < len(text):
        if position < len(pattern) and pattern[position] == "*":
            star, mark = position, index
            position += 1
        elif position < len(pattern) and pattern[position] in ("?", text[index]):
            position += 1
            index += 1
        elif star >= 0:
            mark += 1
            position, index = star + 1, mark
        else:
            return False
    return not pattern[position:].strip("*")


def matcher(pattern: str) -> Matcher:
    """Return `matches` for one pattern, prepared once: most patterns are a name or a prefix."""
    head = pattern.rstrip("*")
    if "*" in head or "?" in head:
        return lambda text: matches(pattern, text)
    if head == pattern:
        return lambda text: text == pattern
    return lambda text: text.startswith(head)


def any_matcher(patterns: Iterable[str]) -> Matcher:
    """Return whether a text fits at least one of `patterns`."""
    listed = list(patterns)
    exact = frozenset(text for text in listed if "*" not in text and "?" not in text)
    rest = [matcher(text) for text in listed if text not in exact]
    return lambda text: text in exact or any(match(text) for match in rest)
