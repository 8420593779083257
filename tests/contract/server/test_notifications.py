"""A real `penstock serve` tells subscribers, is killed, and tells them after all."""

import re
import urllib.request
from pathlib import Path

from tests.contract.sns.receivers import mail_receiver, web_receiver
from tests.server_process import ServerProcess

NO_ENGINE = "unix:///nonexistent/docker.sock"


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data").start(DOCKER_HOST=NO_ENGINE)
    try:
        sns = server.client("sns")
        topic = sns.create_topic(Name="approvals")["TopicArn"]
        with web_receiver([200, None]) as receiver:
            sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"{receiver.url}/hook")
            link = receiver.next().document["SubscribeURL"]
            assert link.startswith(server.url)
            with urllib.request.urlopen(link) as answer:
                assert b"ConfirmSubscriptionResponse" in answer.read()
            message_id = sns.publish(TopicArn=topic, Message="x")["MessageId"]
            assert receiver.next().document["MessageId"] == message_id
            server.kill()  # while it waits for the answer
            server.start(DOCKER_HOST=NO_ENGINE)
            assert receiver.next().document["MessageId"] == message_id
            assert message_id in server.log()
    finally:
        server.stop()


def test_mail_settings_of_the_command_line(tmp_path: Path) -> None:
    (password := tmp_path / "password").write_text("not to be shown\n")
    with mail_receiver() as mails:
        server = ServerProcess(
            tmp_path / "data",
            options=[
                f"--smtp-url=smtp://127.0.0.1:{mails.port}", "--smtp-from=penstock@example.com",
                f"--smtp-password-file={password}",
            ],
        )  # fmt: skip
        server.start(DOCKER_HOST=NO_ENGINE)
        try:
            sns = server.client("sns")
            topic = sns.create_topic(Name="approvals")["TopicArn"]
            sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ada@example.com")
            text = mails.next().get_content()
            link = re.search(r"http://\S+/_penstock/sns/confirm\S+", text)
            assert link is not None
            with urllib.request.urlopen(link[0], data=b"") as page:
                assert b"Subscribed" in page.read()
            sns.publish(TopicArn=topic, Subject="APPROVAL NEEDED", Message="Please look")
            assert mails.next()["Subject"] == "APPROVAL NEEDED"
            with urllib.request.urlopen(f"{server.url}/_penstock/health") as health:
                assert b"not to be shown" not in health.read()
            assert "not to be shown" not in server.log()
        finally:
            server.stop()
