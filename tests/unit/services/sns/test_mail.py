"""No text of a publisher or subscriber becomes a header of a mail."""

from email import message_from_bytes
from email.policy import default

from hypothesis import example, given
from hypothesis import strategies as st

from penstock.clock import utc_now
from penstock.services.sns.mail import mail
from penstock.services.sns.message import Message
from penstock.services.sns.subscription import Subscription

TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
ADA = Subscription(
    f"{TOPIC}:1", TOPIC, "email", "ada@example.com", "123456789012", "", {}, "t", utc_now()
)
HEADERS = [
    "Subject", "From", "To", "Message-ID", "Auto-Submitted", "Content-Type",
    "Content-Transfer-Encoding", "MIME-Version",
]  # fmt: skip
ENCODED = "=?utf-8?q?a=0D=0ABcc:_eve=40example.com=0D=0A=0D=0A?="
"""An encoded word: `email` decodes it, and then it ends the header, or the whole head."""
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)


@given(subject=TEXT, display_name=TEXT, text=TEXT)
@example(subject=ENCODED, display_name="Alarms", text="x")
@example(subject="Alarm", display_name=ENCODED, text="x")
def test_a_mail_has_these_headers_and_no_others(subject: str, display_name: str, text: str) -> None:
    message = Message(
        "id", "Notification", TOPIC, {"default": text}, "2026-11-23T00:00:00.000Z", subject,
        display_name=display_name,
    )  # fmt: skip
    made = mail(
        message, ADA, sender="from@example.com", endpoint_url="http://127.0.0.1:4600", json="{}"
    )
    read = message_from_bytes(made.as_bytes(), policy=default)
    assert sorted(read.keys()) == sorted(HEADERS)
    assert [one.addr_spec for one in read["To"].addresses] == ["ada@example.com"]
