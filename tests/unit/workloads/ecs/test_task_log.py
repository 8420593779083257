"""Which lines of a container's output are new, over restarts."""

from penstock.containers.observation import Line, line_of
from penstock.storage.ecs_tasks import LogPosition
from penstock.workloads.ecs.task_log import Destination, Progress, destination

SECOND = 1_000_000_000
BEGINNING = LogPosition("t", "c", 0, 0, 0, 0)


def lines(*times: int) -> list[Line]:
    return [Line(at, f"line at {at}") for at in times]


def since(all_lines: list[Line], position: LogPosition) -> list[Line]:
    """What the engine gives again."""
    return [line for line in all_lines if line.at_ns >= position.since_ns]


def test_a_restart_takes_up_where_it_was_left() -> None:
    output = lines(*(SECOND + at for at in (10, 11, 11, 12, 13, 13, 14)))
    first = Progress(BEGINNING)
    assert first.take(output[:3]) == output[:3]
    position = first.stored(3)
    again = Progress(position)
    assert again.take(since(output, position)) == output[3:]
    assert again.stored(4).offset == 7


def test_the_two_streams_may_be_a_little_out_of_order() -> None:
    start = 100 * SECOND
    output = lines(*(start + at for at in (20, 19, 21, 18, 22)))
    first = Progress(BEGINNING)
    first.take(output[:3])
    position = first.stored(3)
    assert Progress(position).take(since(output, position)) == output[3:]


def test_the_mark_moves_on_and_stays_exact() -> None:
    output = lines(*(at * SECOND // 1000 for at in range(1, 40_000)))
    progress = Progress(BEGINNING)
    position = BEGINNING
    for start in range(0, 30_000, 500):
        progress.take(output[start : start + 500])
        position = progress.stored(500)
    assert position.since_ns > 10 * SECOND
    assert position.skip < 12_000
    again = Progress(position)
    assert again.take(since(output, position)) == output[30_000:]


def test_what_the_engine_dropped_is_not_mistaken_for_what_is_stored() -> None:
    output = lines(*(at * SECOND for at in range(100)))
    progress = Progress(BEGINNING)
    progress.take(output[1:50])
    position = progress.stored(49)
    again = Progress(position)
    assert again.take(output[40:]) == output[50:]


def test_a_frame_is_a_time_and_a_line() -> None:
    line = line_of(b"2026-01-01T00:00:00.000000007Z hello  world\n")
    assert line == Line(1_767_225_600 * SECOND + 7, "hello  world")


def test_where_output_goes() -> None:
    options = {"awslogs-group": "/app", "awslogs-create-group": "true"}
    log = {"logDriver": "awslogs", "options": options}
    container = {"name": "web", "logConfiguration": log}
    assert destination(container, "t1") == Destination("/app", "web/t1", True)
    options["awslogs-stream-prefix"] = "p"
    assert destination(container, "t1") == Destination("/app", "p/web/t1", True)
    assert destination({"name": "web"}, "t1") is None
