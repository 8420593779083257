"""Stacks within stacks: how they are planned, carried out and read."""
