"""Where a request's code comes from: itself, or an object of S3 that the caller may read."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request
from penstock.services.s3 import Objects
from penstock.workloads.functions.package import MOST_UNPACKED_BYTES, MOST_ZIPPED_BYTES
from penstock.workloads.functions.refusals import cannot_honour, invalid


@asynccontextmanager
async def archive(objects: Objects, call: Call, code: Request) -> AsyncIterator[IO[bytes]]:
    """Give the .zip file that ZipFile, or S3Bucket and S3Key, stand for."""
    for name in ("ImageUri", "SourceKMSKeyArn"):
        if code.get(name):
            raise cannot_honour(name, "give its code as a .zip file that is not encrypted.")
    in_s3 = bool(code.get("S3Bucket") or code.get("S3Key"))
    if in_s3 == bool(code.get("ZipFile")):
        raise invalid("Please provide a source for function code.")  # moto awslambda/models.py
    with tempfile.TemporaryFile() as file:
        if in_s3:
            await _fetch(objects, call, code, file)
        else:
            if len(code["ZipFile"]) > MOST_ZIPPED_BYTES:
                raise ServiceError(
                    "RequestEntityTooLargeException",
                    f"Zipped size must be smaller than {MOST_ZIPPED_BYTES} bytes",
                    status=413,
                )
            file.write(code["ZipFile"])
        file.seek(0)
        yield file


async def _fetch(objects: Objects, call: Call, code: Request, file: IO[bytes]) -> None:
    bucket, key = code.get("S3Bucket") or "", code.get("S3Key") or ""
    if not bucket or not key:
        raise invalid("Please provide a source for function code.")
    try:
        await call.authorize(call.principal, "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
    except ServiceError as error:
        raise ServiceError(
            "AccessDeniedException",
            "Your access has been denied by S3, please make sure your request credentials have "
            f"permission to GetObject for {bucket}/{key}. S3 Error Code: AccessDenied. S3 Error "
            f"Message: {error.message}",
            status=403,
        ) from error
    try:
        found, chunks = await objects.get(bucket, key, code.get("S3ObjectVersion"))
        if found.size > MOST_UNPACKED_BYTES:
            raise invalid(f"Unzipped size must be smaller than {MOST_UNPACKED_BYTES} bytes")
        async for chunk in chunks:
            file.write(chunk)
    except ServiceError as error:
        if error.code == "InvalidParameterValueException":
            raise
        raise invalid(
            f"Error occurred while GetObject. S3 Error Code: {error.code}. S3 Error Message: "
            f"{error.message}"
        ) from error
