from penstock.cli.build_log import BuildLog, open_log


class Missing(Exception):
    pass


class Logs:
    """Answers GetLogEvents as CloudWatch Logs does: the token repeats at the end."""

    class exceptions:
        ResourceNotFoundException = Missing

    def __init__(self):
        self.messages = None

    def get_log_events(self, *, nextToken="f/0", **_):
        if self.messages is None:
            raise Missing
        start = int(nextToken.split("/")[1])
        end = min(start + 2, len(self.messages))
        return {
            "events": [{"message": m} for m in self.messages[start:end]],
            "nextForwardToken": f"f/{end}",
        }


def test_a_log_is_read_to_its_end_and_continued():
    logs = Logs()
    log = BuildLog(logs, "g", "s")
    assert list(log.more()) == [], "before the stream exists"
    logs.messages = ["one\n", "two\nthree\n", "four", "\n"]
    assert list(log.more()) == ["one", "two", "three", "four", ""]
    assert list(log.more()) == []
    logs.messages.append("five\n")
    assert list(log.more()) == ["five"]


def test_a_build_without_a_log_yet_has_none():
    assert open_log(Logs(), {"logs": {}}) is None
    assert open_log(Logs(), {}) is None
    assert open_log(Logs(), {"logs": {"groupName": "g", "streamName": "s"}}) is not None
