"""What of a resource's data is lost when it is replaced or removed, in a warning's words. Pure.

CloudFormation says what happens to a resource, not to what its users stored in it: a database
that is replaced begins empty. The types are those whose content outlives a deployment.
"""

KEEPS_DATA = frozenset(
    {
        "AWS::Backup::BackupVault",
        "AWS::CodeCommit::Repository",
        "AWS::Cognito::UserPool",
        "AWS::DocDB::DBCluster",
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::EC2::Volume",
        "AWS::ECR::PublicRepository",
        "AWS::ECR::Repository",
        "AWS::EFS::FileSystem",
        "AWS::ElastiCache::CacheCluster",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::Elasticsearch::Domain",
        "AWS::FSx::FileSystem",
        "AWS::FSx::Volume",
        "AWS::KMS::Key",
        "AWS::Kinesis::Stream",
        "AWS::Logs::LogGroup",
        "AWS::MSK::Cluster",
        "AWS::MemoryDB::Cluster",
        "AWS::Neptune::DBCluster",
        "AWS::OpenSearchService::Domain",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::RDS::GlobalCluster",
        "AWS::Redshift::Cluster",
        "AWS::S3::Bucket",
        "AWS::S3Express::DirectoryBucket",
        "AWS::SQS::Queue",
        "AWS::SecretsManager::Secret",
        "AWS::Timestream::Table",
    }
)

_REPLACED = {
    "ReplaceAndDelete": "what the old one stores is deleted with it; the new one begins without it",
    "ReplaceAndRetain": "what the old one stores stays in it, outside the stack; the new one "
    "begins without it",
    "ReplaceAndSnapshot": "what the old one stores is in its snapshot alone; the new one begins "
    "without it",
}
_REPLACED_UNTOLD = "the new one begins without what the old one stores"
_MAYBE_REPLACED = "should it be replaced, the new one begins without what the old one stores"
_REMOVED = {
    "Retain": "",
    "RetainExceptOnCreate": "",
    "Snapshot": "what it stores is in its snapshot alone",
    "Delete": "what it stores is deleted with it",
}
_REMOVED_UNTOLD = "what it stores is deleted with it, unless its DeletionPolicy keeps it"


def data_warning(resource_type: str, action: str, replacement: str | None, policy: str) -> str:
    """Return the warning that one change deserves, "" for none.

    `replacement` is ResourceChange's, None where it is not told; `policy` its PolicyAction, "".
    """
    keeps = resource_type in KEEPS_DATA
    if action == "Remove":
        if keeps:
            return _REMOVED.get(policy, _REMOVED_UNTOLD)
        return "nothing of it is kept" if policy == "Delete" else ""
    if action != "Modify" or not keeps or replacement == "False":
        return ""
    if replacement == "True":
        return _REPLACED.get(policy, _REPLACED_UNTOLD)
    return _MAYBE_REPLACED
