"""CodePipeline: structure, variables, decisions, the engine that acts on them, triggers."""
