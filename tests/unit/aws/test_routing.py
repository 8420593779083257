"""Which operation a request is for, where several share a path."""

import pytest

from penstock.aws.errors import ServiceError
from penstock.aws.http import HttpRequest, http_request
from penstock.aws.models import load
from penstock.aws.payload import one_block
from penstock.aws.routing import Router
from penstock.aws.signature import Scope


def request(method: str, path: str, query: str = "", **headers: str) -> HttpRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return http_request(method, path, query, {"host": "localhost:4600"} | named, one_block(b""))


def router(*services: str) -> Router:
    models = [load(service) for service in services]
    return Router(models, {model.name: sorted(model.operation_names) for model in models})


@pytest.mark.parametrize(
    ("sent", "operation"),
    [
        (request("GET", "/"), "ListBuckets"),
        (request("GET", "/b"), "ListObjects"),
        (request("GET", "/b/"), "ListObjects"),
        (request("GET", "/b", "list-type=2&prefix=a"), "ListObjectsV2"),
        (request("GET", "/b", "versions"), "ListObjectVersions"),
        (request("GET", "/b", "uploads="), "ListMultipartUploads"),
        (request("GET", "/b", "location"), "GetBucketLocation"),
        (request("GET", "/b", "lifecycle"), "GetBucketLifecycleConfiguration"),
        (request("PUT", "/b"), "CreateBucket"),
        (request("PUT", "/b/"), "CreateBucket"),
        (request("HEAD", "/b"), "HeadBucket"),
        (request("POST", "/b", "delete"), "DeleteObjects"),
        (request("PUT", "/b/k"), "PutObject"),
        (request("PUT", "/b/k/with/slashes/"), "PutObject"),
        (request("PUT", "/b/k", "x-id=PutObject"), "PutObject"),
        (request("PUT", "/b/k", x_amz_copy_source="/a/b"), "CopyObject"),
        (request("PUT", "/b/k", "partNumber=1&uploadId=u"), "UploadPart"),
        (request("PUT", "/b/k", "partNumber=1&uploadId=u", x_amz_copy_source="/a/b"),
         "UploadPartCopy"),
        (request("PUT", "/b/k", "tagging"), "PutObjectTagging"),
        (request("PUT", "/b/k", "acl"), "PutObjectAcl"),
        (request("GET", "/b/k", "uploadId=u"), "ListParts"),
        (request("GET", "/b/k", "attributes", x_amz_object_attributes="ETag"),
         "GetObjectAttributes"),
        (request("POST", "/b/k", "uploads"), "CreateMultipartUpload"),
        (request("POST", "/b/k", "uploadId=u"), "CompleteMultipartUpload"),
        (request("DELETE", "/b/k", "uploadId=u"), "AbortMultipartUpload"),
        (request("DELETE", "/b/k", "versionId=1"), "DeleteObject"),
    ],
)  # fmt: skip
def test_s3_operations_by_method_path_and_query(sent: HttpRequest, operation: str) -> None:
    assert router("s3").target(load("s3"), sent, {}).operation == operation


def test_labels_are_decoded() -> None:
    sent = request("GET", "/b/a%20b/%C3%BC%2F%2B")
    assert router("s3").target(load("s3"), sent, {}).labels == {"Bucket": "b", "Key": "a b/ü/+"}


def test_a_method_that_no_operation_has() -> None:
    with pytest.raises(ServiceError) as raised:
        router("s3").target(load("s3"), request("PATCH", "/b/k"), {})
    assert (raised.value.code, raised.value.status) == ("MethodNotAllowed", 405)


def test_the_scope_names_the_service() -> None:
    scope = Scope("AKID", "20261123", "us-east-1", "ecr")
    assert router("s3", "ecr").model(request("POST", "/"), scope, {}).name == "ecr"


@pytest.mark.parametrize(
    ("sent", "form", "service"),
    [
        (request("POST", "/", x_amz_target="AmazonSSM.GetParameter"), {}, "ssm"),
        (request("POST", "/"), {"Action": "ListRoles", "Version": "2010-05-08"}, "iam"),
        (request("GET", "/", host="sts.us-east-1.amazonaws.com"), {}, "sts"),
        (request("GET", "/bucket/key"), {}, "s3"),
    ],
)
def test_without_a_scope_other_signs_do(
    sent: HttpRequest, form: dict[str, str], service: str
) -> None:
    assert router("ssm", "iam", "sts", "s3").model(sent, None, form).name == service


def test_a_service_that_is_not_here_is_refused_by_name() -> None:
    scope = Scope("AKID", "20261123", "us-east-1", "dynamodb")
    with pytest.raises(ServiceError, match=r"'dynamodb'. It serves: s3, ssm\.") as raised:
        router("ssm", "s3").model(request("POST", "/"), scope, {})
    assert (raised.value.code, raised.value.status) == ("NotImplemented", 400)


def test_another_protocol_is_refused_with_what_to_do() -> None:
    sent = request("POST", "/service/CodePipeline_20150709/operation/GetPipeline",
                   smithy_protocol="rpc-v2-cbor")  # fmt: skip
    with pytest.raises(ServiceError, match="Use an SDK that sends AWS JSON"):
        router("codepipeline").target(load("codepipeline"), sent, {})
