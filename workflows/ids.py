"""Ids made inside a workflow: the same on every replay."""

from uuid import UUID

from temporalio import workflow

from domain.kernel.ports import IdT


def new_id(kind: type[IdT]) -> IdT:
    """A UUIDv7 (RFC 9562) from the workflow's own clock and randomness."""
    milliseconds = int(workflow.now().timestamp() * 1000)
    random = workflow.random()
    bits = milliseconds << 80 | 7 << 76 | random.getrandbits(12) << 64 | 2 << 62 | random.getrandbits(62)
    return kind.of(UUID(int=bits))
