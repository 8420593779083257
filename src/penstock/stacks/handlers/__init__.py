"""What a resource type is to a stack: the contract of handlers, and how they fail."""
