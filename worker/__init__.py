"""Task queues, Temporal workers and the relay."""
