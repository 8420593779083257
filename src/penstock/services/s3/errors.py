"""S3's errors that no model declares, with S3's texts.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
"""

from penstock.aws.errors import ServiceError


def no_such_bucket(bucket: str) -> ServiceError:
    """The bucket does not exist."""
    return ServiceError(
        "NoSuchBucket", "The specified bucket does not exist", status=404, BucketName=bucket
    )


def no_such_key(key: str) -> ServiceError:
    """The object does not exist, or its newest version is a delete marker."""
    return ServiceError("NoSuchKey", "The specified key does not exist.", status=404, Key=key)


def no_such_version(key: str, version_id: str) -> ServiceError:
    """The object has no such version."""
    return ServiceError(
        "NoSuchVersion",
        "The specified version does not exist.",
        status=404,
        Key=key,
        VersionId=version_id,
    )


def is_delete_marker() -> ServiceError:
    """The named version is a delete marker: there is nothing to read."""
    return ServiceError(
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
        status=405,
    )


def no_such_upload(upload_id: str) -> ServiceError:
    """The multipart upload does not exist."""
    return ServiceError(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may "
        "have been aborted or completed.",
        status=404,
        UploadId=upload_id,
    )


def precondition_failed(condition: str) -> ServiceError:
    """A conditional header does not hold; `condition` is its name."""
    return ServiceError(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        status=412,
        Condition=condition,
    )


def not_modified() -> ServiceError:
    """A conditional read whose reader has the object already."""
    return ServiceError("NotModified", "Not Modified", status=304)


def invalid_argument(name: str, value: str, message: str) -> ServiceError:
    """A parameter that S3 does not take."""
    return ServiceError(
        "InvalidArgument", message, status=400, ArgumentName=name, ArgumentValue=value
    )


def invalid_request(message: str) -> ServiceError:
    """A request that makes no sense as a whole."""
    return ServiceError("InvalidRequest", message, status=400)


def not_implemented(what: str) -> ServiceError:
    """A header that asks for what does not exist here; said instead of ignored."""
    return ServiceError(
        "NotImplemented",
        f"A header you provided implies functionality that is not implemented: {what}",
        status=501,
    )


def invalid_part(part_number: int, etag: str) -> ServiceError:
    """A completion lists a part that was not uploaded, or not as it says."""
    return ServiceError(
        "InvalidPart",
        "One or more of the specified parts could not be found.  The part may not have been "
        "uploaded, or the specified entity tag may not match the part's entity tag.",
        status=400,
        PartNumber=str(part_number),
        ETag=etag.strip('"'),
    )
