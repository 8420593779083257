"""What is told of a stack: its events, operations, findings, and messages to its topics."""
