"""Which class brings a resource type to life: the one place where a type is registered.

A type that is absent here but has a schema deploys as recorded (`recorded.py`).
"""

from collections.abc import Mapping

from penstock.aws.in_process import InProcess
from penstock.stacks.handlers.handler import ResourceHandler
from penstock.stacks.nested.resource_type import CloudFormationStack
from penstock.stacks.planning.unsupported import POLICIES
from penstock.stacks.resource_types.codebuild_project import CodeBuildProject
from penstock.stacks.resource_types.codecommit_repository import CodeCommitRepository
from penstock.stacks.resource_types.codeconnections_connection import (
    CodeConnectionsConnection,
)
from penstock.stacks.resource_types.codepipeline_pipeline import CodePipelinePipeline
from penstock.stacks.resource_types.ecr_repository import EcrRepository
from penstock.stacks.resource_types.ecs_cluster import EcsCluster
from penstock.stacks.resource_types.ecs_service import EcsService
from penstock.stacks.resource_types.ecs_task_definition import EcsTaskDefinition
from penstock.stacks.resource_types.elbv2_listener import Elbv2Listener
from penstock.stacks.resource_types.elbv2_listener_rule import Elbv2ListenerRule
from penstock.stacks.resource_types.elbv2_load_balancer import Elbv2LoadBalancer
from penstock.stacks.resource_types.elbv2_target_group import Elbv2TargetGroup
from penstock.stacks.resource_types.iam_managed_policy import IamManagedPolicy
from penstock.stacks.resource_types.iam_policy import IamPolicy
from penstock.stacks.resource_types.iam_role import IamRole
from penstock.stacks.resource_types.lambda_function import LambdaFunction
from penstock.stacks.resource_types.lambda_permission import LambdaPermission
from penstock.stacks.resource_types.logs_log_group import LogsLogGroup
from penstock.stacks.resource_types.refused_policy import RefusedPolicy
from penstock.stacks.resource_types.s3_bucket import S3Bucket
from penstock.stacks.resource_types.secretsmanager_secret import SecretsManagerSecret
from penstock.stacks.resource_types.sns_subscription import SnsSubscription
from penstock.stacks.resource_types.sns_topic import SnsTopic
from penstock.stacks.resource_types.ssm_parameter import SsmParameter
from penstock.stacks.stacks import Stacks


def handlers(in_process: InProcess, stacks: Stacks) -> Mapping[str, ResourceHandler]:
    """Return the handler of every type that is running or kept here; `stacks` are those that
    nested stacks are added to."""
    return {
        **{name: RefusedPolicy(in_process) for name in POLICIES},
        "AWS::CloudFormation::Stack": CloudFormationStack(stacks),
        "AWS::CodeBuild::Project": CodeBuildProject(in_process),
        "AWS::CodeCommit::Repository": CodeCommitRepository(in_process),
        "AWS::CodeConnections::Connection": CodeConnectionsConnection(
            in_process, "codeconnections"
        ),
        "AWS::CodePipeline::Pipeline": CodePipelinePipeline(in_process),
        "AWS::CodeStarConnections::Connection": CodeConnectionsConnection(
            in_process, "codestar-connections"
        ),
        "AWS::ECR::Repository": EcrRepository(in_process),
        "AWS::ECS::Cluster": EcsCluster(in_process),
        "AWS::ECS::Service": EcsService(in_process),
        "AWS::ECS::TaskDefinition": EcsTaskDefinition(in_process),
        "AWS::ElasticLoadBalancingV2::Listener": Elbv2Listener(in_process),
        "AWS::ElasticLoadBalancingV2::ListenerRule": Elbv2ListenerRule(in_process),
        "AWS::ElasticLoadBalancingV2::LoadBalancer": Elbv2LoadBalancer(in_process),
        "AWS::ElasticLoadBalancingV2::TargetGroup": Elbv2TargetGroup(in_process),
        "AWS::IAM::ManagedPolicy": IamManagedPolicy(in_process),
        "AWS::IAM::Policy": IamPolicy(in_process),
        "AWS::IAM::Role": IamRole(in_process),
        "AWS::Lambda::Function": LambdaFunction(in_process),
        "AWS::Lambda::Permission": LambdaPermission(in_process),
        "AWS::Logs::LogGroup": LogsLogGroup(in_process),
        "AWS::S3::Bucket": S3Bucket(in_process),
        "AWS::SNS::Subscription": SnsSubscription(in_process),
        "AWS::SNS::Topic": SnsTopic(in_process),
        "AWS::SSM::Parameter": SsmParameter(in_process),
        "AWS::SecretsManager::Secret": SecretsManagerSecret(in_process),
    }
