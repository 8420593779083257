import pytest

from penstock.services.sns.smtp_channel import Relay, relay

SENDER = "penstock@example.com"


@pytest.mark.parametrize(
    ("url", "password", "expected"),
    [
        ("smtp://mail.test", None, Relay("mail.test", 25, False, SENDER)),
        ("smtp://mail.test:2525/", None, Relay("mail.test", 2525, False, SENDER)),
        ("smtp://ops@mail.test", "x", Relay("mail.test", 587, False, SENDER, "ops", "x")),
        ("smtps://ops%40a.test@mail.test", "x",
         Relay("mail.test", 465, True, SENDER, "ops@a.test", "x")),
    ],
)  # fmt: skip
def test_relays(url: str, password: str | None, expected: Relay) -> None:
    assert relay(url, SENDER, password) == expected


@pytest.mark.parametrize(
    ("url", "sender", "password", "reason"),
    [
        ("smtp://ops:x@mail.test", SENDER, None, "found a password in it"),
        ("http://mail.test", SENDER, None, "found 'http://mail.test'"),
        ("smtp://", SENDER, None, "expected smtp://"),
        ("smtp://mail.test/x", SENDER, None, "expected smtp://"),
        ("smtp://mail.test:99999", SENDER, None, "[Pp]ort"),
        ("smtp://mail.test", None, None, "needs --smtp-from"),
        ("smtp://mail.test", "a\nb@example.com", None, "needs --smtp-from"),
        ("smtp://ops@mail.test", SENDER, None, "user 'ops' needs a password"),
    ],
)
def test_settings_that_no_mail_is_sent_with(
    url: str, sender: str | None, password: str | None, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        relay(url, sender, password)


def test_a_password_is_not_shown() -> None:
    assert "hidden" not in repr(relay("smtp://ops@mail.test", SENDER, "hidden"))
