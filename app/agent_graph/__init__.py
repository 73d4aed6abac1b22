"""The run of an agent as a graph: what called what, what came after what, how often."""
