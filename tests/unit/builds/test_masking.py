import tracemalloc

from penstock.builds.masking import Masker, hidden_parts, mask_access_keys, mask_text


def test_a_secret_split_over_chunks_is_hidden() -> None:
    masker = Masker(["correct horse"])
    out = masker.feed(b"pass: correct h") + masker.feed(b"orse!") + masker.flush()
    assert out == b"pass: ***!"


def test_what_only_begins_like_a_secret_is_shown() -> None:
    masker = Masker(["abcdef"])
    assert masker.feed(b"xabc") == b"x"
    assert masker.feed(b"x") == b"abcx"
    assert masker.feed(b"ab") == b""
    assert masker.flush() == b"ab"


def test_the_longer_of_two_secrets_counts_even_when_it_comes_later() -> None:
    masker = Masker(["abc", "abcdef"])
    out = masker.feed(b"-abc") + masker.feed(b"def-") + masker.feed(b"abc-") + masker.flush()
    assert out == b"-***-***-"


def test_a_multi_line_secret_is_hidden_line_by_line() -> None:
    key = "-----BEGIN-----\nAAAABBBB\n--\nCCCCDDDD\n"
    assert hidden_parts([key]) == [b"-----BEGIN-----", b"AAAABBBB", b"CCCCDDDD"]
    assert mask_text("  AAAABBBB and -- and CCCCDDDD", [key]) == "  *** and -- and ***"


def test_access_key_ids_are_hidden() -> None:
    assert mask_access_keys("key=AKIAIOSFODNN7EXAMPLE.") == "key=***."
    assert mask_access_keys("ASIA is a continent") == "ASIA is a continent"


def test_without_secrets_nothing_is_held_back() -> None:
    assert Masker([]).feed(b"all") == b"all"
    assert Masker([""]).feed(b"all") == b"all"


def test_a_secret_of_many_kilobytes_costs_little() -> None:
    """Locks: every beginning of every secret was kept; 64 KiB in one line took 2 GiB."""
    secret = "".join(chr(33 + (position * 7 + position // 90) % 90) for position in range(65_536))
    tracemalloc.start()
    masker = Masker([secret])
    text = b"- " + secret.encode() + b" -"
    out = b"".join(masker.feed(text[start : start + 1000]) for start in range(0, len(text), 1000))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert out + masker.flush() == b"- *** -"
    assert most < 20_000_000


def test_secrets_with_one_beginning_are_told_apart() -> None:
    values = ["k", "key", "key-1", "key-12", "kex"]
    assert mask_text("key-12 key-1 key-9 kex ky", values) == "*** *** ***-9 *** ***y"
