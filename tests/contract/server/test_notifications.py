"""A real `penstock serve` tells subscribers, is killed, and tells them after all."""

import contextlib
import queue
import re
import sqlite3
import urllib.request
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.contract.sns.receivers import WebReceiver, mail_receiver, web_receiver
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


def test_a_stack_tells_its_topics(tmp_path: Path) -> None:
    """The form: as receivers' test events in public repositories show AWS's."""
    server = ServerProcess(tmp_path / "data").start(DOCKER_HOST=NO_ENGINE)
    try:
        sns, cloudformation = server.client("sns"), server.client("cloudformation")
        topic = sns.create_topic(Name="stacks")["TopicArn"]
        template = '{"Resources": {"Group": {"Type": "AWS::Logs::LogGroup"}}}'
        asked = {"StackName": "told", "TemplateBody": template}
        with pytest.raises(ClientError, match="none: Topic does not exist"):
            cloudformation.create_stack(
                **asked, NotificationARNs=["arn:aws:sns:us-east-1:123456789012:none"]
            )
        with web_receiver() as receiver, web_receiver([200, *[503] * 100]) as busy:
            for one in (receiver, busy):
                sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=one.url)
                token = one.next().document["Token"]
                sns.confirm_subscription(TopicArn=topic, Token=token)
            stack_id = cloudformation.create_stack(
                **asked, NotificationARNs=[topic], ClientRequestToken="mine"
            )["StackId"]
            told = messages_until(receiver, "CREATE_COMPLETE")
            cloudformation.delete_stack(StackName=stack_id)
            told += messages_until(receiver, "DELETE_COMPLETE")
            path = tmp_path / "data" / "penstock.db"
            with contextlib.closing(sqlite3.connect(path)) as database:
                waiting = database.execute("SELECT document FROM sns_messages").fetchall()
            assert waiting, "the busy one has had none"
            assert "StackId" not in str(waiting), "what waits is encrypted"
        events = cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]
        assert {one["EventId"] for one in told} == {one["EventId"] for one in events}
        [complete] = [
            one for one in told
            if (one["LogicalResourceId"], one["ResourceStatus"]) == ("told", "CREATE_COMPLETE")
        ]  # fmt: skip
        assert list(complete) == [
            "StackId", "Timestamp", "EventId", "LogicalResourceId", "Namespace",
            "PhysicalResourceId", "PrincipalId", "ResourceProperties", "ResourceStatus",
            "ResourceStatusReason", "ResourceType", "StackName", "ClientRequestToken",
        ]  # fmt: skip
        assert complete["StackId"] == complete["PhysicalResourceId"] == stack_id
        assert complete["Namespace"] == "123456789012"
        assert complete["ClientRequestToken"] == "mine"
    finally:
        server.stop()


def messages_until(receiver: WebReceiver, status: str) -> list[dict[str, str]]:
    """Return what came when the stack `told` has the status and all is quiet: the order of
    messages is not promised."""
    found: list[dict[str, str]] = []
    ended = False
    while True:
        try:
            document = receiver.next(2 if ended else 30).document
        except queue.Empty:
            assert ended
            return found
        assert document["Subject"] == "AWS CloudFormation Notification"
        members = dict(re.findall(r"^(\w+)='(.*)'$", document["Message"], re.MULTILINE))
        found.append(members)
        ended |= (members["LogicalResourceId"], members["ResourceStatus"]) == ("told", status)
