"""Lambda: functions kept here, their code run for real in containers of the engine.

What they are for and what they are not: docs/adr/0038-functions-run-in-tasks.md.
"""
