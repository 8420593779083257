"""The table of ECS tasks; one that has stopped stays for a while, as on AWS."""

import sqlalchemy as sa

from penstock.storage.schema import Timestamp, metadata

ecs_tasks = sa.Table(
    "ecs_tasks",
    metadata,
    sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("arn", sa.String, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("cluster_arn", sa.String, nullable=False),
    sa.Column("task_definition_arn", sa.String, nullable=False),
    sa.Column("task_group", sa.String, nullable=False),
    sa.Column("started_by", sa.String, nullable=True),
    sa.Column("launch_type", sa.String, nullable=False),
    sa.Column("network_mode", sa.String, nullable=False),
    sa.Column("last_status", sa.String, nullable=False, index=True),
    sa.Column("desired_status", sa.String, nullable=False),
    sa.Column("health_status", sa.String, nullable=False),
    sa.Column("containers", sa.JSON, nullable=False),
    sa.Column("overrides", sa.JSON, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("private_ipv4", sa.String, nullable=True),
    sa.Column("stop_code", sa.String, nullable=True),
    sa.Column("stopped_reason", sa.Text, nullable=True),
    sa.Column("created_at", Timestamp, nullable=False),
    sa.Column("pull_started_at", Timestamp, nullable=True),
    sa.Column("pull_stopped_at", Timestamp, nullable=True),
    sa.Column("started_at", Timestamp, nullable=True),
    sa.Column("stopping_at", Timestamp, nullable=True),
    sa.Column("execution_stopped_at", Timestamp, nullable=True),
    sa.Column("stopped_at", Timestamp, nullable=True),
    sa.Index("ix_ecs_tasks_cluster_arn_task_group", "cluster_arn", "task_group"),
    sqlite_autoincrement=True,
)

ecs_log_positions = sa.Table(
    "ecs_log_positions",
    metadata,
    sa.Column("task_id", sa.String, primary_key=True),
    sa.Column("container", sa.String, primary_key=True),
    sa.Column("since_ns", sa.BigInteger, nullable=False),
    sa.Column("skip", sa.Integer, nullable=False),
    sa.Column("last_ns", sa.BigInteger, nullable=False),
    sa.Column("offset", sa.Integer, nullable=False),
)
