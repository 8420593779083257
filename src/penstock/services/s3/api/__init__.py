"""S3's operations."""

from penstock.aws.service import Service, bind
from penstock.services.s3.api import buckets, lists, multipart, reading, tagging, writing
from penstock.services.s3.objects import Objects

OPERATIONS = {
    "AbortMultipartUpload": multipart.abort_multipart_upload,
    "CompleteMultipartUpload": multipart.complete_multipart_upload,
    "CopyObject": writing.copy_object,
    "CreateBucket": buckets.create_bucket,
    "CreateMultipartUpload": multipart.create_multipart_upload,
    "DeleteBucket": buckets.delete_bucket,
    "DeleteBucketTagging": buckets.delete_bucket_tagging,
    "DeleteObject": writing.delete_object,
    "DeleteObjectTagging": tagging.delete_object_tagging,
    "DeleteObjects": writing.delete_objects,
    "GetBucketLocation": buckets.get_bucket_location,
    "GetBucketTagging": buckets.get_bucket_tagging,
    "GetBucketVersioning": buckets.get_bucket_versioning,
    "GetObject": reading.get_object,
    "GetObjectAttributes": reading.get_object_attributes,
    "GetObjectTagging": tagging.get_object_tagging,
    "HeadBucket": buckets.head_bucket,
    "HeadObject": reading.head_object,
    "ListBuckets": buckets.list_buckets,
    "ListMultipartUploads": lists.list_multipart_uploads,
    "ListObjectVersions": lists.list_object_versions,
    "ListObjects": lists.list_objects,
    "ListObjectsV2": lists.list_objects_v2,
    "ListParts": multipart.list_parts,
    "PutBucketTagging": buckets.put_bucket_tagging,
    "PutBucketVersioning": buckets.put_bucket_versioning,
    "PutObject": writing.put_object,
    "PutObjectTagging": tagging.put_object_tagging,
    "UploadPart": multipart.upload_part,
    "UploadPartCopy": multipart.upload_part_copy,
}


def service(domain: Objects) -> Service:
    """S3, for the wire."""
    return Service("s3", bind(domain, OPERATIONS))
