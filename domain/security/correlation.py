"""Sigma correlation rules: several records together say what none of them does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sigma.correlations import (
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationRule,
    SigmaCorrelationType,
)

from domain.security.errors import DetectionRuleInvalid
from domain.security.rule_index import Compiled
from domain.security.sigma import PRODUCT, said_why
from domain.security.sigma_values import Fields

LONGEST, MOST_HITS = timedelta(days=1), 1_000
"""How far back a correlation looks, and at how many of the newest hits of a group."""
_REACHED: Mapping[SigmaCorrelationConditionOperator, Callable[[int, int], bool]] = {
    SigmaCorrelationConditionOperator.GT: lambda count, bound: count > bound,
    SigmaCorrelationConditionOperator.GTE: lambda count, bound: count >= bound,
}
_KINDS = {
    SigmaCorrelationType.EVENT_COUNT,
    SigmaCorrelationType.VALUE_COUNT,
    SigmaCorrelationType.TEMPORAL,
    SigmaCorrelationType.TEMPORAL_ORDERED,
}


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that matched one of the rules that are correlated. value: what is counted, if values are."""

    at: datetime
    rule_id: str
    record_id: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Correlation:
    """Compiled: groups hits by fields, and looks at each group's last `timespan`."""

    id: str
    title: str
    level: str
    kind: SigmaCorrelationType
    rules: tuple[str, ...]
    group_by: tuple[str, ...]
    aliases: Mapping[str, Mapping[str, str]]
    timespan: timedelta
    reached: Callable[[int], bool]
    counted: str | None
    about: Mapping[str, Any] = field(default_factory=dict)

    def group(self, rule: Compiled, fields: Fields) -> tuple[str, ...] | None:
        """The group of a record that matched this rule; None if it lacks a field that groups."""
        values = [self._value(name, rule, fields) for name in self.group_by]
        return None if None in values else tuple(str(value) for value in values)

    def value(self, rule: Compiled, fields: Fields) -> str | None:
        """What is counted of it."""
        told = self._value(self.counted, rule, fields) if self.counted else None
        return None if told is None else str(told)

    def fires(self, hits: Sequence[Hit]) -> bool:
        """Whether these hits of one group within the timespan, oldest first, are what it looks for."""
        if self.kind is SigmaCorrelationType.EVENT_COUNT:
            return self.reached(len(hits))
        if self.kind is SigmaCorrelationType.VALUE_COUNT:
            return self.reached(len({hit.value for hit in hits if hit.value is not None}))
        if self.kind is SigmaCorrelationType.TEMPORAL:
            return {hit.rule_id for hit in hits} >= set(self.rules)
        wanted = iter(self.rules)
        next_rule = next(wanted, None)
        for hit in hits:
            if hit.rule_id == next_rule:
                next_rule = next(wanted, None)
        return next_rule is None

    def _value(self, name: str, rule: Compiled, fields: Fields) -> Any:
        by_rule = self.aliases.get(name, {})
        return fields.get(by_rule.get(rule.id, name))


@said_why()
def correlation(document: dict[str, Any], known: Mapping[str, Compiled]) -> Correlation:
    """One correlation rule over rules that are `known`, by id and by name. Raises DetectionRuleInvalid."""
    rule = SigmaCorrelationRule.from_dict(document)
    if rule.id is None:
        raise DetectionRuleInvalid(reason='it has no "id" (a UUID)')
    if rule.type not in _KINDS:
        raise DetectionRuleInvalid(reason=f"correlations of type {rule.type.name.lower()} are not supported")
    named = [each.reference for each in rule.rules or ()]
    missing = [name for name in named if name not in known]
    if missing:
        raise DetectionRuleInvalid(reason=f"it correlates rules that are not there: {', '.join(missing)}")
    timespan = timedelta(seconds=rule.timespan.seconds)
    if not timedelta() < timespan <= LONGEST:
        raise DetectionRuleInvalid(reason="its timespan has to be between a second and a day")
    about = rule.custom_attributes.get(PRODUCT, {})
    if not isinstance(about, dict):
        raise DetectionRuleInvalid(reason=f'"{PRODUCT}" has to be a mapping')
    return Correlation(
        id=str(rule.id),
        title=rule.title or str(rule.id),
        level=rule.level.name.lower() if rule.level else "medium",
        kind=rule.type,
        rules=tuple(known[name].id for name in named),
        group_by=tuple(rule.group_by or ()),
        aliases={
            alias.alias: {known[reference.reference].id: told for reference, told in alias.mapping.items()}
            for alias in rule.aliases
        },
        timespan=timespan,
        reached=_threshold(rule),
        counted=_counted(rule),
        about=about,
    )


def _threshold(rule: SigmaCorrelationRule) -> Callable[[int], bool]:
    if rule.type in (SigmaCorrelationType.TEMPORAL, SigmaCorrelationType.TEMPORAL_ORDERED):
        return bool
    condition = rule.condition
    compare = _REACHED.get(condition.op) if isinstance(condition, SigmaCorrelationCondition) else None
    if not isinstance(condition, SigmaCorrelationCondition) or compare is None or not 1 <= condition.count < MOST_HITS:
        raise DetectionRuleInvalid(reason='its condition has to be "gte" or "gt" a number: less than 1,000')
    bound = int(condition.count)
    return lambda count: compare(count, bound)


def _counted(rule: SigmaCorrelationRule) -> str | None:
    if rule.type is not SigmaCorrelationType.VALUE_COUNT:
        return None
    told = rule.condition.fieldref if isinstance(rule.condition, SigmaCorrelationCondition) else None
    name = told[0] if isinstance(told, list) else told
    if not name:
        raise DetectionRuleInvalid(reason='its condition has no "field" whose values are counted')
    return str(name)
