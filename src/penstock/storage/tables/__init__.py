"""Table definitions, one module per noun; importing this package registers them all.

Each module is listed here by hand: a table that is not imported is not migrated.
"""

from penstock.storage.tables import approvals as approvals
from penstock.storage.tables import builds as builds
from penstock.storage.tables import change_sets as change_sets
from penstock.storage.tables import console as console
from penstock.storage.tables import credentials as credentials
from penstock.storage.tables import ecs_service_events as ecs_service_events
from penstock.storage.tables import ecs_tasks as ecs_tasks
from penstock.storage.tables import function_events as function_events
from penstock.storage.tables import load_balancing_targets as load_balancing_targets
from penstock.storage.tables import log_streams as log_streams
from penstock.storage.tables import objects as objects
from penstock.storage.tables import pipelines as pipelines
from penstock.storage.tables import repository_heads as repository_heads
from penstock.storage.tables import sns_deliveries as sns_deliveries
from penstock.storage.tables import stack_drifts as stack_drifts
from penstock.storage.tables import stack_operation_events as stack_operation_events
from penstock.storage.tables import stack_responses as stack_responses
from penstock.storage.tables import stacks as stacks
from penstock.storage.tables import task_credentials as task_credentials
