"""CodePipeline's operations. One that is absent answers that it is not implemented."""

from penstock.aws.service import Service, bind
from penstock.pipelines.api import action_types, approvals, definitions, executions, state
from penstock.pipelines.pipelines import Pipelines

OPERATIONS = {
    "CreatePipeline": definitions.create_pipeline,
    "DeletePipeline": definitions.delete_pipeline,
    "DisableStageTransition": state.disable_stage_transition,
    "EnableStageTransition": state.enable_stage_transition,
    "GetPipeline": definitions.get_pipeline,
    "GetPipelineExecution": executions.get_pipeline_execution,
    "GetPipelineState": state.get_pipeline_state,
    "ListActionExecutions": executions.list_action_executions,
    "ListActionTypes": action_types.list_action_types,
    "ListPipelineExecutions": executions.list_pipeline_executions,
    "ListPipelines": definitions.list_pipelines,
    "ListTagsForResource": definitions.list_tags_for_resource,
    "PutApprovalResult": approvals.put_approval_result,
    "RetryStageExecution": executions.retry_stage_execution,
    "StartPipelineExecution": executions.start_pipeline_execution,
    "StopPipelineExecution": executions.stop_pipeline_execution,
    "TagResource": definitions.tag_resource,
    "UntagResource": definitions.untag_resource,
    "UpdatePipeline": definitions.update_pipeline,
}


def service(domain: Pipelines) -> Service:
    """CodePipeline, for the wire."""
    return Service("codepipeline", bind(domain, OPERATIONS))
