"""From a stack and what is wanted to the plan of an operation. Pure."""
