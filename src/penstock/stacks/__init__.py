"""CloudFormation: templates become plans, plans become stacks."""
