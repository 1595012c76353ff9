"""The HTTP contract: routers translate and nothing else."""
