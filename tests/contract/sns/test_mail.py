"""Messages by mail, through a real SMTP server.

Subjects: AWS's own, https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
"""

import gc
import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.contract.sns.receivers import MailReceiver, mail_receiver
from tests.contract.sns.test_http_delivery import FAILURES, records
from tests.waiting import until

from penstock.services.sns.smtp_channel import Relay

SENDER = "penstock@example.com"


@pytest.fixture
def mails() -> Iterator[MailReceiver]:
    with mail_receiver() as made:
        yield made


@pytest.fixture
def mailing(start: Any, mails: MailReceiver) -> Any:
    return start(relay=Relay("127.0.0.1", mails.port, False, SENDER))


def ada(server: Any, topic: str, protocol: str = "email") -> str:
    answer = server.client.subscribe(
        TopicArn=topic, Protocol=protocol, Endpoint="ada@example.com", ReturnSubscriptionArn=True
    )
    return str(answer["SubscriptionArn"])


def link_in(text: str, words: str) -> str:
    found = re.search(rf"http://\S*{words}\S*", text)
    assert found is not None, text
    return found[0]


def test_an_address_confirms_gets_a_mail_and_leaves(mailing: Any, mails: MailReceiver) -> None:
    sns = mailing.client
    topic = sns.create_topic(Name="alarms", Attributes={"DisplayName": "Alarms"})["TopicArn"]
    arn = ada(mailing, topic)
    asked = mails.next()
    assert asked["Subject"] == "AWS Notification - Subscription Confirmation"
    assert asked["From"] == f"Alarms <{SENDER}>"
    assert asked["To"] == "ada@example.com"
    assert asked["X-Envelope"] == f"{SENDER} -> ada@example.com"
    link = link_in(asked.get_content(), "/confirm")
    with urllib.request.urlopen(link) as page:  # as a scanner of mails does
        assert "<button>Confirm</button>" in page.read().decode()
        assert page.headers["referrer-policy"] == "no-referrer"
    [listed] = sns.list_subscriptions()["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"
    with urllib.request.urlopen(link, data=b"") as page:
        assert "ada@example.com gets the messages" in page.read().decode()
    [listed] = sns.list_subscriptions()["Subscriptions"]
    assert listed["SubscriptionArn"] == arn

    sns.publish(TopicArn=topic, Message="Zeile 1\n" + "\u00fc" * 2000)
    mail = mails.next()
    assert mail["Subject"] == "AWS Notification Message"
    assert mail.get_content().splitlines()[:2] == ["Zeile 1", "\u00fc" * 2000]
    link = link_in(mail.get_content(), "/unsubscribe")
    with urllib.request.urlopen(link) as page:
        assert "<button>Unsubscribe</button>" in page.read().decode()
    assert len(sns.list_subscriptions()["Subscriptions"]) == 1
    with urllib.request.urlopen(link, data=b"") as page:
        assert "You get no more messages" in page.read().decode()
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_subjects_reach_the_header_whole(mailing: Any, mails: MailReceiver) -> None:
    topic = mailing.client.create_topic(Name="alarms")["TopicArn"]
    arn = ada(mailing, topic)
    mails.next()
    mailing.confirm(arn)
    for subject in ("APPROVAL NEEDED: " + "x" * 83, "\u00fc" * 100, "a: b <c@d> =?utf-8?q?e?="):
        mailing.client.publish(TopicArn=topic, Subject=subject, Message="x")
        mail = mails.next()
        assert mail["Bcc"] is None
        if "=?" not in subject:
            assert mail["Subject"] == subject


def test_a_display_name_ends_no_header(mailing: Any, mails: MailReceiver) -> None:
    topic = mailing.client.create_topic(
        Name="alarms", Attributes={"DisplayName": "Alarms\r\nBcc: eve@example.com"}
    )["TopicArn"]
    ada(mailing, topic)
    mail = mails.next()
    assert mail["Bcc"] is None
    assert mail["X-Envelope"] == f"{SENDER} -> ada@example.com"


def test_email_json_brings_the_signed_document(mailing: Any, mails: MailReceiver) -> None:
    topic = mailing.client.create_topic(Name="alarms")["TopicArn"]
    arn = ada(mailing, topic, "email-json")
    asked = json.loads(mails.next().get_content())
    assert asked["Type"] == "SubscriptionConfirmation"
    mailing.client.confirm_subscription(TopicArn=topic, Token=asked["Token"])
    text = {"default": "for all", "email": "for people", "email-json": "for programs"}
    mailing.client.publish(TopicArn=topic, Message=json.dumps(text), MessageStructure="json")
    document = json.loads(mails.next().get_content())
    assert document["Message"] == "for programs"
    assert arn in document["UnsubscribeURL"]


def test_a_mail_server_that_is_busy_is_asked_again(mailing: Any, mails: MailReceiver) -> None:
    topic = mailing.client.create_topic(Name="alarms")["TopicArn"]
    mails.refusals += ["451 busy"]
    ada(mailing, topic)
    assert mails.next()["To"] == "ada@example.com"


def test_a_mail_that_is_refused_for_good_is_recorded(mailing: Any, mails: MailReceiver) -> None:
    topic = mailing.client.create_topic(Name="alarms")["TopicArn"]
    mails.refusals += ["550 no such user"]
    ada(mailing, topic)
    [record] = until(lambda: records(mailing.logs, FAILURES))
    assert record["delivery"]["attempts"] == 1
    assert record["delivery"]["statusCode"] == 550
    assert "no such user" in record["delivery"]["providerResponse"]


def test_starttls_and_a_login(start: Any, certificate: tuple[Path, Path]) -> None:
    with mail_receiver(certificate) as mails:
        relay = Relay("127.0.0.1", mails.port, False, SENDER, "ops", "right")
        server = start(relay=relay)
        topic = server.client.create_topic(Name="alarms")["TopicArn"]
        ada(server, topic)
        assert mails.next()["To"] == "ada@example.com"
        assert mails.encrypted == [True]
        assert mails.logins == [("ops", "right")]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # aiosmtpd's sockets
def test_a_mail_server_nobody_vouches_for_gets_no_password(
    start: Any, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with mail_receiver(certificate) as mails:
        server = start(relay=Relay("127.0.0.1", mails.port, False, SENDER, "ops", "right"))
        topic = server.client.create_topic(Name="alarms")["TopicArn"]
        ada(server, topic)
        [record] = until(lambda: records(server.logs, FAILURES))
        assert "certificate" in record["delivery"]["providerResponse"].lower()
        assert mails.logins == []
    gc.collect()  # what aiosmtpd leaves of a broken STARTTLS
