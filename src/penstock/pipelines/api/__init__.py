"""CodePipeline's operations."""
