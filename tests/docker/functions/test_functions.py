"""Functions on a real server, invoked by boto3, their results read from the API and from Docker."""

import base64
import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from tests.delivery import create_role
from tests.server_process import ServerProcess

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

CODE = """
import json, logging, os, sys, time
import boto3

logging.getLogger().setLevel("INFO")


def answer(event, context):
    print("hello from", context.function_name)
    logging.info("it has %s", event)
    return {
        "event": event,
        "greeting": os.environ["GREETING"],
        "memory": os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
        "request": context.aws_request_id,
        "left": context.get_remaining_time_in_millis(),
        "files": sorted(os.listdir(".")),
    }


def fail(event, context):
    raise ValueError("boom")


def leave(event, context):
    sys.exit(3)


def sleep(event, context):
    print("sleeping")
    time.sleep(60)


def gorge(event, context):
    return len(bytearray(400 * 1024 * 1024))


def call(event, context):
    boto3.client("ssm").put_parameter(Name="/made", Value="inside", Type="String")
    body = boto3.client("s3").get_object(Bucket="things", Key="word")["Body"].read().decode()
    try:
        boto3.client("iam").list_users()
    except Exception as error:
        refused = type(error).__name__
    return {"who": boto3.client("sts").get_caller_identity()["Arn"], "word": body,
            "refused": refused}


def limit(name):
    for path in ("/sys/fs/cgroup", "/sys/fs/cgroup/pids"):
        if os.path.exists(f"{path}/{name}"):
            return open(f"{path}/{name}").read().strip()


def contained(event, context):
    status = open("/proc/self/status").read()
    found = dict(line.split(":", 1) for line in status.splitlines())
    return {"uid": os.getuid(), "bounding": found["CapBnd"].strip(),
            "privileges": found["NoNewPrivs"].strip(),
            "processes": limit("pids.max"),
            "socket": os.path.exists("/var/run/docker.sock")}
"""
NODE = """
exports.answer = async (event, context) => {
  console.log('hello', event.name);
  return { name: context.functionName, got: event };
};
exports.fail = (event, context, callback) => callback(new Error('boom'));
"""


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def role(server: ServerProcess) -> str:
    return create_role(
        server, "functions", "lambda.amazonaws.com", "logs:*", "ssm:PutParameter", "s3:GetObject"
    )


@pytest.fixture
def make(server: ServerProcess, role: str) -> Callable[..., Any]:
    client = server.client("lambda")

    def create(name: str, **changes: Any) -> Any:
        request: dict[str, Any] = {
            "FunctionName": name,
            "Runtime": "python3.12",
            "Role": role,
            "Handler": f"index.{name}",
            "Timeout": 30,
            "Environment": {"Variables": {"GREETING": "good day"}},
            "Code": {"ZipFile": zipped(index__py=CODE)},
        }
        client.create_function(**{**request, **changes})
        return client

    return create


def invoke(client: Any, name: str, event: object = None, **more: Any) -> dict[str, Any]:
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail", **more)
    answer["Payload"] = json.loads(answer["Payload"].read())
    answer["Log"] = base64.b64decode(answer["LogResult"]).decode()
    return dict(answer)


def logged(server: ServerProcess, name: str) -> list[str]:
    found = server.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")
    return [event["message"] for event in found["events"]]


def containers(server: ServerProcess) -> set[str]:
    return {name for name in server.task_containers() if name.endswith(("-function", "-sandbox"))}


def test_a_function_answers_and_is_logged(server: ServerProcess, make: Any) -> None:
    client = make("answer")
    answer = invoke(client, "answer", {"name": "ann"})
    assert "FunctionError" not in answer, answer
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    payload = answer["Payload"]
    assert payload["event"] == {"name": "ann"}
    assert payload["greeting"] == "good day"
    assert payload["memory"] == "128"
    assert payload["files"] == ["index.py"]
    assert 20_000 < payload["left"] <= 30_000
    request = payload["request"]
    start, hello, info, end, report = logged(server, "answer")[1:]
    assert start == f"START RequestId: {request} Version: $LATEST"
    assert hello == "hello from answer"
    assert info.startswith("[INFO]\t")
    assert info.endswith(f"\t{request}\tit has {{'name': 'ann'}}")
    assert end == f"END RequestId: {request}"
    assert report.startswith(f"REPORT RequestId: {request}\tDuration: ")
    assert "Max Memory Used" in report
    assert "INIT_START Runtime Version: python3.12, run by Python 3.11" in answer["Log"]
    assert report.strip() in answer["Log"]
    assert containers(server) == set()


def test_an_error_is_told(server: ServerProcess, make: Any) -> None:
    client = make("fail")
    answer = invoke(client, "fail")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert answer["Payload"]["errorMessage"] == "boom"
    assert answer["Payload"]["errorType"] == "ValueError"
    assert "in fail" in answer["Payload"]["stackTrace"][0]
    [error] = [line for line in logged(server, "fail") if line.startswith("[ERROR]")]
    assert error.startswith("[ERROR] ValueError: boom\nTraceback (most recent call last):\n")

    missing = make("missing", Handler="nowhere.handler")
    answer = invoke(missing, "missing")
    assert answer["Payload"]["errorType"] == "Runtime.ImportModuleError"
    assert answer["Payload"]["errorMessage"] == (
        "Unable to import module 'nowhere': No module named 'nowhere'"
    )


def test_a_process_that_ends_is_told(server: ServerProcess, make: Any) -> None:
    answer = invoke(make("leave"), "leave")
    assert answer["FunctionError"] == "Unhandled"
    assert answer["Payload"]["errorType"] == "Runtime.ExitError"
    assert answer["Payload"]["errorMessage"].endswith(
        "Error: Runtime exited with error: exit status 3"
    )


def test_memory_is_limited(server: ServerProcess, make: Any) -> None:
    answer = invoke(make("gorge"), "gorge")
    assert answer["FunctionError"] == "Unhandled"
    assert answer["Payload"]["errorMessage"].endswith("Runtime exited with error: signal: killed")


def test_a_function_that_takes_too_long_is_ended(server: ServerProcess, make: Any) -> None:
    client = make("sleep", Timeout=2)
    began = time.monotonic()
    answer = invoke(client, "sleep")
    assert time.monotonic() - began < 20
    assert answer["FunctionError"] == "Unhandled"
    assert answer["Payload"]["errorType"] == "Sandbox.Timedout"
    assert answer["Payload"]["errorMessage"].endswith("Error: Task timed out after 2.00 seconds")
    lines = logged(server, "sleep")
    assert "sleeping" in lines
    assert any(line.endswith("Task timed out after 2.00 seconds") for line in lines)
    assert containers(server) == set()


def test_it_calls_this_server_as_its_role(server: ServerProcess, make: Any) -> None:
    server.client("s3").create_bucket(Bucket="things")
    server.client("s3").put_object(Bucket="things", Key="word", Body=b"sesame")
    payload = invoke(make("call", MemorySize=256), "call")["Payload"]
    assert payload["who"] == "arn:aws:sts::123456789012:assumed-role/functions/call"
    assert payload["word"] == "sesame"
    assert payload["refused"] == "ClientError"
    made = server.client("ssm").get_parameter(Name="/made")
    assert made["Parameter"]["Value"] == "inside"


def test_it_is_contained(server: ServerProcess, make: Any) -> None:
    payload = invoke(make("contained"), "contained")["Payload"]
    assert payload == {
        "uid": 993, "bounding": "0000000000000000", "privileges": "1", "processes": "1024",
        "socket": False,
    }  # fmt: skip


def test_code_of_a_bucket_and_new_code(server: ServerProcess, make: Any) -> None:
    server.client("s3").create_bucket(Bucket="code")
    server.client("s3").put_object(
        Bucket="code", Key="f.zip", Body=zipped(app__py="def run(event, context): return 1")
    )
    client = make("kept", Handler="app.run", Code={"S3Bucket": "code", "S3Key": "f.zip"})
    assert invoke(client, "kept")["Payload"] == 1
    client.update_function_code(
        FunctionName="kept", ZipFile=zipped(app__py="def run(event, context): return 2")
    )
    assert invoke(client, "kept")["Payload"] == 2


def test_node(server: ServerProcess, make: Any) -> None:
    code = {"ZipFile": zipped(index__js=NODE)}
    client = make("node", Runtime="nodejs20.x", Handler="index.answer", Code=code)
    answer = invoke(client, "node", {"name": "ann"})
    assert answer["Payload"] == {"name": "node", "got": {"name": "ann"}}
    assert any("INFO\thello ann" in line for line in logged(server, "node"))
    make("nodefails", Runtime="nodejs20.x", Handler="index.fail", Code=code)
    answer = invoke(client, "nodefails")
    assert answer["FunctionError"] == "Unhandled"
    assert answer["Payload"]["errorMessage"] == "boom"


def test_an_event_is_run_though_the_server_was_killed(server: ServerProcess, make: Any) -> None:
    code = """
import boto3, time
def run(event, context):
    time.sleep(event["seconds"])
    boto3.client("ssm").put_parameter(Name=event["name"], Value="run", Type="String",
                                      Overwrite=True)
"""
    client = make("later", Handler="app.run", Code={"ZipFile": zipped(app__py=code)})
    event = json.dumps({"name": "/later", "seconds": 2})
    answer = client.invoke(FunctionName="later", InvocationType="Event", Payload=event)
    assert answer["StatusCode"] == 202
    deadline = time.monotonic() + 30
    while not any(name.endswith("-function") for name in containers(server)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    server.kill()
    server.start()
    deadline = time.monotonic() + 60
    ssm = server.client("ssm")
    while not ssm.get_parameters(Names=["/later"])["Parameters"]:
        assert time.monotonic() < deadline, server.log()[-3000:]
        time.sleep(0.2)
    while containers(server):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_server_that_ends_leaves_no_container(server: ServerProcess, make: Any) -> None:
    client = make("sleep_on", Handler="index.sleep", Timeout=60)
    client.invoke(FunctionName="sleep_on", InvocationType="Event")
    deadline = time.monotonic() + 30
    while not any(name.endswith("-function") for name in containers(server)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert server.stop() == 0
    assert containers(server) == set()
    server.start()
    server.client("lambda").delete_function(FunctionName="sleep_on")
