"""The operations of Elastic Load Balancing that are about application load balancers."""

from penstock.aws.service import Service, bind
from penstock.workloads.load_balancing.api import (
    attributes,
    listeners,
    load_balancers,
    rules,
    tags,
    target_groups,
    targets,
)
from penstock.workloads.load_balancing.load_balancing import LoadBalancing

OPERATIONS = {
    "AddTags": tags.add_tags,
    "CreateListener": listeners.create_listener,
    "CreateLoadBalancer": load_balancers.create_load_balancer,
    "CreateRule": rules.create_rule,
    "CreateTargetGroup": target_groups.create_target_group,
    "DeleteListener": listeners.delete_listener,
    "DeleteLoadBalancer": load_balancers.delete_load_balancer,
    "DeleteRule": rules.delete_rule,
    "DeleteTargetGroup": target_groups.delete_target_group,
    "DeregisterTargets": targets.deregister_targets,
    "DescribeListeners": listeners.describe_listeners,
    "DescribeLoadBalancerAttributes": attributes.describe_load_balancer_attributes,
    "DescribeLoadBalancers": load_balancers.describe_load_balancers,
    "DescribeRules": rules.describe_rules,
    "DescribeTags": tags.describe_tags,
    "DescribeTargetGroupAttributes": attributes.describe_target_group_attributes,
    "DescribeTargetGroups": target_groups.describe_target_groups,
    "DescribeTargetHealth": targets.describe_target_health,
    "ModifyListener": listeners.modify_listener,
    "ModifyLoadBalancerAttributes": attributes.modify_load_balancer_attributes,
    "ModifyRule": rules.modify_rule,
    "ModifyTargetGroup": target_groups.modify_target_group,
    "ModifyTargetGroupAttributes": attributes.modify_target_group_attributes,
    "RegisterTargets": targets.register_targets,
    "RemoveTags": tags.remove_tags,
    "SetRulePriorities": rules.set_rule_priorities,
    "SetSecurityGroups": load_balancers.set_security_groups,
    "SetSubnets": load_balancers.set_subnets,
}


def service(load_balancing: LoadBalancing) -> Service:
    """Return Elastic Load Balancing (version 2) on `load_balancing`."""
    return Service("elbv2", bind(load_balancing, OPERATIONS))
