"""The Task of one invocation: one container that runs the handler once. Pure, but for reading what
runs in it.

As on AWS the handler is no root, and what it may do on AWS its role says; it has no capability, no
engine and no way to other Tasks.
Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

import json
from collections.abc import Mapping
from importlib import resources

from penstock.containers.image_recipes import FUNCTION_USER
from penstock.containers.task import ContainerSpec, File, TaskSpec
from penstock.services.iam.credentials import TemporaryCredentials
from penstock.workloads.functions.function import LATEST
from penstock.workloads.functions.invocation import MOST_OUTPUT_BYTES, Invocation
from penstock.workloads.functions.runtimes import Language, runtime

KIND = "function"
"""What an invocation's objects are labelled on the engine."""
CONTAINER = "function"
CODE_PATH = "/var/task"
RESULT_PATH = "/var/runtime/out/result"
_RUNTIME = "/var/runtime"
_MIB = 1024 * 1024
_MOST_LOG_BYTES = 6 * MOST_OUTPUT_BYTES + 16 * _MIB
"""The engine writes a control character as six: what may be written is kept whole. It is dropped
from the beginning where the server does not end a function in time."""
_MOST_PROCESSES = 1_024
"""Threads too. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
_MB_PER_CPU = 1_769
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""


def task(
    task_id: str,
    invocation: Invocation,
    credentials: TemporaryCredentials,
    nonce: str,
    place: Mapping[str, str],
    most_cpus: float,
) -> TaskSpec:
    """Return the Task; its code is put to CODE_PATH before it is started.

    `nonce` begins the records that its output has among the lines of the function.
    """
    function = invocation.function
    language = runtime(function.runtime).language
    script = "bootstrap.py" if language is Language.PYTHON else "bootstrap.js"
    container = ContainerSpec(
        name=CONTAINER,
        image=runtime(function.runtime).image,
        command=_command(language, f"{_RUNTIME}/{script}"),
        environment=_environment(invocation, credentials, place),
        working_directory=CODE_PATH,
        user=f"{FUNCTION_USER}:{FUNCTION_USER}",
        files=(
            File(f"{_RUNTIME}/{script}", _packaged(script)),
            File(f"{_RUNTIME}/invocation.json", _described(invocation, nonce)),
            File(f"{_RUNTIME}/event.json", invocation.payload),
        ),
        memory_bytes=function.memory_mb * _MIB,
        cpus=min(max(1.0, function.memory_mb / _MB_PER_CPU), most_cpus),
        dropped_capabilities=("ALL",),
        no_new_privileges=True,
        most_processes=_MOST_PROCESSES,
        init=True,
        most_log_bytes=_MOST_LOG_BYTES,
    )
    return TaskSpec(
        id=task_id,
        kind=KIND,
        containers=(container,),
        labels={"penstock.function": function.name, "penstock.request": invocation.request_id},
    )


def _command(language: Language, script: str) -> tuple[str, ...]:
    return ("python3", "-u", script) if language is Language.PYTHON else ("node", script)


def _environment(
    invocation: Invocation, credentials: TemporaryCredentials, place: Mapping[str, str]
) -> dict[str, str]:
    function = invocation.function
    return {
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "HOME": "/tmp",  # noqa: S108 - inside a container of its own
        "PYTHONPATH": _RUNTIME,
        "NODE_PATH": f"{_RUNTIME}:{CODE_PATH}",
        **invocation.environment,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "AWS_REGION": place["region"],
        "AWS_DEFAULT_REGION": place["region"],
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": LATEST,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_to,
        "AWS_LAMBDA_LOG_STREAM_NAME": invocation.log_stream,
        "LAMBDA_TASK_ROOT": CODE_PATH,
        "LAMBDA_RUNTIME_DIR": _RUNTIME,
        "_HANDLER": function.handler,
    }


def _described(invocation: Invocation, nonce: str) -> bytes:
    """Return what the script in the container is told."""
    function = invocation.function
    document = {
        "nonce": nonce,
        "request_id": invocation.request_id,
        "handler": function.handler,
        "function_name": function.name,
        "function_arn": function.arn,
        "memory_mb": function.memory_mb,
        "timeout_seconds": function.timeout_seconds,
        "log_group": function.logs_to,
        "log_stream": invocation.log_stream,
        "client_context": invocation.client_context,
    }
    return json.dumps(document).encode()


def _packaged(name: str) -> bytes:
    return resources.files("penstock.workloads.functions.runtime").joinpath(name).read_bytes()
