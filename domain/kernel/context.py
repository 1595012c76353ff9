"""Who is acting, for which tenant, and as part of which story; carried along every request and activity."""

from __future__ import annotations

from contextvars import ContextVar
from enum import StrEnum

from domain.kernel.ids import TenantId, UserId
from domain.kernel.payload import Payload


class ActorKind(StrEnum):
    """What kind of actor did it."""

    USER = "user"
    API_KEY = "api_key"
    SERVICE_ACCOUNT = "service_account"
    OPERATOR = "operator"
    SYSTEM = "system"


class Actor(Payload):
    """Who did it: a user, a program by its key or as itself, the platform's operator, or the platform."""

    kind: ActorKind = ActorKind.SYSTEM
    id: str = "harborgrid"


class Context(Payload):
    """The story a piece of work belongs to. Ids are opaque; `traceparent` is W3C Trace Context.

    grant_id: what an application acts by, if it does the actor's work.
    """

    tenant_id: TenantId | None = None
    user_id: UserId | None = None
    actor: Actor = Actor()
    grant_id: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    request_id: str | None = None
    traceparent: str | None = None


_NOBODY = Context()
_current: ContextVar[Context] = ContextVar("harborgrid_context", default=_NOBODY)


def current_context() -> Context:
    """The context of the running request or activity; empty outside one."""
    return _current.get()


class within:  # noqa: N801 - reads as a word: `with within(context):`
    """Run a block as part of this story. A class, not a generator: every request and activity enters one."""

    __slots__ = ("_context", "_token")

    def __init__(self, context: Context) -> None:
        self._context = context

    def __enter__(self) -> Context:
        """The context, which is the current one inside the block."""
        self._token = _current.set(self._context)
        return self._context

    def __exit__(self, *_: object) -> None:
        """The context from before is the current one again."""
        _current.reset(self._token)
