"""S3's operations."""

from penstock.aws.service import Service, bind
from penstock.services.s3.api import buckets
from penstock.services.s3.objects import Objects

OPERATIONS = {
    "CreateBucket": buckets.create_bucket,
    "DeleteBucket": buckets.delete_bucket,
    "DeleteBucketTagging": buckets.delete_bucket_tagging,
    "GetBucketLocation": buckets.get_bucket_location,
    "GetBucketTagging": buckets.get_bucket_tagging,
    "GetBucketVersioning": buckets.get_bucket_versioning,
    "HeadBucket": buckets.head_bucket,
    "ListBuckets": buckets.list_buckets,
    "PutBucketTagging": buckets.put_bucket_tagging,
    "PutBucketVersioning": buckets.put_bucket_versioning,
}


def service(domain: Objects) -> Service:
    """S3, for the wire."""
    return Service("s3", bind(domain, OPERATIONS))
