"""What can be allowed: each module names its permissions in `domain/<module>/permissions.py`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """How far an API key reaches: admin includes write, and write includes read.

    `operator` keys belong to the platform and to no tenant.
    """

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"
    OPERATOR = "operator"


_LADDER = (Scope.READ, Scope.WRITE, Scope.ADMIN)


def reached_by(scopes: Collection[Scope]) -> frozenset[Scope]:
    """These, and what they include."""
    highest = max((_LADDER.index(scope) for scope in scopes if scope in _LADDER), default=-1)
    return frozenset((*_LADDER[: highest + 1], *scopes))


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing that someone may do, unless a policy says otherwise.

    name: `module.verb`, the same that the audit trail writes. scope: who holds it may.
    on: the kind of thing it is done to, as policies call it.
    feature: what a plan must include, in the words of `GET /v1/billing/platform-plans`; None if every plan does.
    lasting: it gives somebody something that stays, so who is elevated for a while cannot do it by that.
    """

    name: str
    scope: Scope
    on: str
    feature: str | None = None
    lasting: bool = False
