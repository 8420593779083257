"""Values from elsewhere: dynamic references, outputs of other stacks."""
