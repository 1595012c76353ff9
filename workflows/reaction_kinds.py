"""What an event can do to a workflow: start it, signal it, or wake it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.bus.event import Event


def always(_: Any) -> bool:
    """Each such event does."""
    return True


def _now(_: Any) -> datetime | None:
    return None


@dataclass(frozen=True, slots=True)
class Starts:
    """The event starts this workflow, once per id; `summary` is what an operator reads in the Temporal UI.

    when: not every such event does. at: there is nothing to do before, unless an event wakes it; None: it begins now.
    """

    on: type[Event]
    workflow: Callable[..., Any]
    id: Callable[[Any], str]
    input: Callable[[Any], Any]
    summary: Callable[[Any], str]
    when: Callable[[Any], bool] = always
    at: Callable[[Any], datetime | None] = _now


@dataclass(frozen=True, slots=True)
class Signals:
    """The event signals a workflow that may be running; one that has ended, or begins later, is left alone."""

    on: type[Event]
    signal: Callable[..., Any]
    id: Callable[[Any], str]
    input: Callable[[Any], Any]
    when: Callable[[Any], bool] = always


@dataclass(frozen=True, slots=True)
class Wakes:
    """The event signals this workflow, and starts it first if it does not run, even if it has ended before.

    One that was to begin later begins now.

    A run that is about to end looks once more, so nothing falls between two runs.
    """

    on: type[Event]
    workflow: Callable[..., Any]
    id: Callable[[Any], str]
    input: Callable[[Any], Any]
    summary: Callable[[Any], str]
    signal: Callable[..., Any]
    told: Callable[[Any], Any]
    when: Callable[[Any], bool] = always
