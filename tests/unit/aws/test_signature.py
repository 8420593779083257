"""Signatures made by botocore are accepted; anything changed afterwards is refused."""

import dataclasses
import hashlib
from datetime import timedelta
from typing import Any

import pytest
from tests.signing import ACCESS_KEY_ID, NOW, SECRET, sign

from penstock.aws import signature
from penstock.aws.errors import ServiceError
from penstock.aws.http import HttpRequest, http_request

BODY_HASH = hashlib.sha256(b"{}").hexdigest()


def verify(request: HttpRequest, *, s3: bool = False, payload_hash: str = BODY_HASH) -> None:
    signed = signature.read_signature(request)
    assert signed is not None
    signature.check_date(signed, NOW, s3=s3)
    signature.verify_signature(signed, request, SECRET, payload_hash, s3=s3)


def changed(request: HttpRequest, **fields: Any) -> HttpRequest:
    made = dataclasses.replace(request, **fields)
    return http_request(made.method, made.raw_path, made.raw_query, made.headers, made.body)


def with_header(request: HttpRequest, name: str, value: str | None) -> HttpRequest:
    headers = {key: item for key, item in request.headers.items() if key != name}
    return changed(request, headers=headers if value is None else headers | {name: value})


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:4600/",
        "http://localhost:4600/a/b%20c/../d//e",
        "http://localhost:4600/?b=2&a=1&a=%C3%BC&empty=",
        "http://localhost:4600/%C3%BC/x%2By",
    ],
)
def test_header_signatures_verify(url: str) -> None:
    verify(sign(url=url, headers={"X-Amz-Target": "  two   spaces "}))


@pytest.mark.parametrize("path", ["/bucket/a%20b/%C3%BC%2B%3F", "/bucket//double/../dots", "/"])
def test_s3_signs_the_path_as_it_is(path: str) -> None:
    request = sign("PUT", f"http://localhost:4600{path}?partNumber=1&uploadId=x%2Fy",
                   service="s3", signer="S3SigV4Auth")  # fmt: skip
    verify(request, s3=True, payload_hash=request.headers["x-amz-content-sha256"])


def test_a_session_token_is_read_and_covered() -> None:
    request = sign(session_token="the-token")
    signed = signature.read_signature(request)
    assert signed is not None
    assert signed.session_token == "the-token"
    verify(request)
    with pytest.raises(ServiceError, match="does not match"):
        verify(with_header(request, "x-amz-security-token", "another"))


@pytest.mark.parametrize(
    "tamper",
    [
        lambda r: changed(r, method="PUT"),
        lambda r: changed(r, raw_path="/other"),
        lambda r: changed(r, raw_query="a=1"),
        lambda r: with_header(r, "x-amz-target", "CodePipeline_20150709.DeletePipeline"),
        lambda r: with_header(r, "host", "elsewhere:4600"),
        lambda r: with_header(r, "authorization", r.headers["authorization"][:-1] + "0"
                              if r.headers["authorization"][-1] != "0"
                              else r.headers["authorization"][:-1] + "1"),
        lambda r: with_header(
            r, "authorization", r.headers["authorization"].replace("us-east-1", "us-west-2")
        ),
    ],
)  # fmt: skip
def test_anything_changed_is_refused(tamper: Any) -> None:
    request = sign(headers={"X-Amz-Target": "CodePipeline_20150709.GetPipeline"})
    with pytest.raises(ServiceError) as raised:
        verify(tamper(request))
    assert raised.value.code == "InvalidSignatureException"
    assert raised.value.message == signature.MISMATCH


def test_another_body_is_refused() -> None:
    with pytest.raises(ServiceError, match="does not match"):
        verify(sign(), payload_hash=hashlib.sha256(b"{ }").hexdigest())


def test_another_secret_is_refused() -> None:
    with pytest.raises(ServiceError, match="does not match"):
        verify(sign(secret="not the secret"))


def test_an_unsigned_request_claims_nothing() -> None:
    assert signature.read_signature(with_header(sign(), "authorization", None)) is None


def test_expired_and_future_dates_have_aws_texts() -> None:
    verify(sign(at=NOW - timedelta(minutes=15)))
    with pytest.raises(ServiceError) as expired:
        verify(sign(at=NOW - timedelta(minutes=16)))
    assert expired.value.message == (
        "Signature expired: 20261123T004603Z is now earlier than 20261123T004703Z "
        "(20261123T010203Z - 15 min.)"
    )
    with pytest.raises(ServiceError) as future:
        verify(sign(at=NOW + timedelta(minutes=16)))
    assert future.value.message == (
        "Signature not yet current: 20261123T011803Z is still later than 20261123T011703Z "
        "(20261123T010203Z + 15 min.)"
    )


def test_s3_tells_a_skewed_clock_its_own_way() -> None:
    request = sign(service="s3", signer="S3SigV4Auth", at=NOW - timedelta(minutes=16))
    with pytest.raises(ServiceError) as raised:
        verify(request, s3=True)
    assert raised.value.code == "RequestTimeTooSkewed"
    assert raised.value.status == 403


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("AWS4-HMAC-SHA256 Credential=a/20261123/us-east-1/iam/aws4_request, SignedHeaders=host",
         "Authorization header requires 'Signature' parameter."),
        ("AWS4-HMAC-SHA256 SignedHeaders=host, Signature=1",
         "Authorization header requires 'Credential' parameter."),
        ("AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=1",
         "Credential must have exactly 5 slash-delimited elements"),
        ("AWS4-HMAC-SHA256 Credential", "not a valid key=value pair (missing equal-sign)"),
    ],
)  # fmt: skip
def test_malformed_headers_say_what_is_missing(header: str, told: str) -> None:
    with pytest.raises(ServiceError) as raised:
        signature.read_signature(with_header(sign(), "authorization", header))
    assert raised.value.code == "IncompleteSignatureException"
    assert told in raised.value.message


def test_a_missing_and_a_malformed_date_are_told() -> None:
    with pytest.raises(ServiceError, match="existence of either a 'X-Amz-Date' or a 'Date'"):
        signature.read_signature(with_header(sign(), "x-amz-date", None))
    with pytest.raises(ServiceError, match="Date must be in ISO-8601 'basic format'"):
        signature.read_signature(with_header(sign(), "x-amz-date", "yesterday"))


def presign(**options: Any) -> HttpRequest:
    return sign("GET", "http://localhost:4600/bucket/key?versionId=1", body=b"", service="s3",
                signer="S3SigV4QueryAuth", expires=60, **options)  # fmt: skip


def test_presigned_urls_verify_until_they_expire() -> None:
    verify(presign(), s3=True, payload_hash="UNSIGNED-PAYLOAD")
    verify(presign(at=NOW - timedelta(seconds=60)), s3=True, payload_hash="UNSIGNED-PAYLOAD")
    with pytest.raises(ServiceError) as raised:
        verify(presign(at=NOW - timedelta(seconds=61)), s3=True)
    assert (raised.value.code, raised.value.message) == ("AccessDenied", "Request has expired")


def test_a_presigned_url_with_another_version_is_refused() -> None:
    request = presign()
    other = changed(request, raw_query=request.raw_query.replace("versionId=1", "versionId=2"))
    with pytest.raises(ServiceError, match="does not match"):
        verify(other, s3=True, payload_hash="UNSIGNED-PAYLOAD")


def test_a_presigned_url_may_live_a_week_at_most() -> None:
    with pytest.raises(ServiceError, match="604800") as raised:
        signature.read_signature(changed(
            presign(), raw_query=presign().raw_query.replace("Expires=60", "Expires=604801")
        ))  # fmt: skip
    assert raised.value.code == "AuthorizationQueryParametersError"


def test_presigned_urls_of_other_services_verify() -> None:
    request = sign("GET", "http://localhost:4600/?Action=GetCallerIdentity&Version=2011-06-15",
                   body=b"", service="sts", signer="SigV4QueryAuth", expires=60)  # fmt: skip
    verify(request, payload_hash=signature.EMPTY_SHA256)


def test_headers_left_unsigned_are_found() -> None:
    request = with_header(sign(), "x-amz-acl", "public-read")
    signed = signature.read_signature(request)
    assert signed is not None
    assert signature.unsigned_amazon_headers(signed, request.headers) == ["x-amz-acl"]
    assert signed.scope.access_key_id == ACCESS_KEY_ID
