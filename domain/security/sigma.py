"""Sigma rules (Sigma specification 2.1): pySigma reads them, this compiles them to closures over a log record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import re2
import yaml
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule
from sigma.types import SigmaCasedString, SigmaRegularExpression, SigmaString

from domain.security.errors import DetectionRuleInvalid
from domain.security.rule_index import CATEGORIES, Anchor, Compiled, Needles
from domain.security.sigma_values import Fields, Test, any_of, expression_text, field_test, keyword_test, text_of

PRODUCT = "harborgrid"
LONGEST_RULE = 16_384
_DEEPEST = 30


def documents_of(text: str) -> list[dict[str, Any]]:
    """The YAML documents of a rule file. Raises DetectionRuleInvalid for what is no rule, or would swell when read."""
    if len(text) > LONGEST_RULE:
        raise DetectionRuleInvalid(reason=f"it is longer than {LONGEST_RULE} characters")
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            # An anchor that is referred to often enough fills the memory of who reads it.
            if isinstance(event, yaml.AliasEvent):
                raise DetectionRuleInvalid(reason="it has YAML aliases, which are not taken")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise DetectionRuleInvalid(reason="it is nested too deep")
        documents = list(yaml.safe_load_all(text))
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise DetectionRuleInvalid(reason=f"it is not YAML: {str(error)[:200]}") from None
    if not documents or any(
        not isinstance(each, dict) or not all(isinstance(k, str) for k in each) for each in documents
    ):
        raise DetectionRuleInvalid(reason="each YAML document has to be a Sigma rule")
    return documents


@contextmanager
def said_why() -> Iterator[None]:
    """Whatever reading a rule trips over is a rule that is wrong. Raises DetectionRuleInvalid."""
    try:
        yield
    except DetectionRuleInvalid:
        raise
    except SigmaError as error:
        raise DetectionRuleInvalid(reason=str(error)[:300]) from None
    except Exception as error:  # noqa: BLE001 - pySigma raises AttributeError, TypeError and more for rules that are wrong
        raise DetectionRuleInvalid(reason=f"it cannot be read: {type(error).__name__}: {str(error)[:200]}") from None


@said_why()
def compiled(document: dict[str, Any]) -> Compiled:
    """One detection rule. Raises DetectionRuleInvalid with what is wrong, or not supported."""
    rule = SigmaRule.from_dict(document)
    conditions = [condition.parsed for condition in rule.detection.parsed_condition]
    if rule.id is None:
        raise DetectionRuleInvalid(reason='it has no "id" (a UUID)')
    source = rule.logsource
    if source.product not in (None, PRODUCT):
        raise DetectionRuleInvalid(reason=f"its log source is of {source.product}; ours is {PRODUCT}")
    if source.category not in (None, *CATEGORIES):
        raise DetectionRuleInvalid(reason=f"its category is {source.category}; ours are {', '.join(CATEGORIES)}")
    tests = [_compile(condition) for condition in conditions]
    anchors = [_anchor(condition) for condition in conditions]
    return Compiled(
        id=str(rule.id),
        name=rule.name,
        title=rule.title or str(rule.id),
        level=rule.level.name.lower() if rule.level else "medium",
        category=source.category,
        test=tests[0] if len(tests) == 1 else any_of(tests),
        anchor=_united(anchors),
        needles=_one_field([_needles(condition) for condition in conditions]),
        about=_about(rule.custom_attributes),
    )


def _about(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    told = attributes.get(PRODUCT, {})
    if not isinstance(told, dict):
        raise DetectionRuleInvalid(reason=f'"{PRODUCT}" has to be a mapping')
    return told


def _anchor(condition: Any) -> Anchor | None:
    if isinstance(condition, ConditionAND):
        found = [anchor for anchor in map(_anchor, condition.args) if anchor is not None]
        return min(found, key=lambda anchor: len(anchor.values), default=None)
    if isinstance(condition, ConditionOR):
        return _united([_anchor(arg) for arg in condition.args])
    if isinstance(condition, ConditionFieldEqualsValueExpression):
        value = condition.value
        if isinstance(value, SigmaString) and not isinstance(value, SigmaCasedString) and not value.contains_special():
            return Anchor(condition.field, frozenset({_plain(value).lower()}))
    return None


def _needles(condition: Any) -> Needles | None:
    if isinstance(condition, ConditionAND):
        return next((found for found in map(_needles, condition.args) if found is not None), None)
    if isinstance(condition, ConditionOR):
        return _one_field([_needles(arg) for arg in condition.args])
    if not isinstance(condition, ConditionFieldEqualsValueExpression):
        return None
    value = condition.value
    if isinstance(value, SigmaRegularExpression):
        return Needles(condition.field, lowered=False, expressions=frozenset({expression_text(value)}))
    if isinstance(value, SigmaString) and any(isinstance(part, str) for part in value.s):
        # The longest piece without a wildcard: the rest is for the rule itself to look at.
        longest = max((part for part in value.s if isinstance(part, str)), key=len).lower()
        return Needles(condition.field, lowered=True, expressions=frozenset({re2.escape(longest)}))
    return None


def _one_field(needles: Sequence[Needles | None]) -> Needles | None:
    known = [each for each in needles if each is not None]
    if len(known) != len(needles) or len({(each.field, each.lowered) for each in known}) != 1:
        return None
    return Needles(known[0].field, known[0].lowered, frozenset().union(*(each.expressions for each in known)))


def _united(anchors: Sequence[Anchor | None]) -> Anchor | None:
    known = [anchor for anchor in anchors if anchor is not None]
    if len(known) != len(anchors) or len({anchor.field for anchor in known}) != 1:
        return None
    return Anchor(known[0].field, frozenset().union(*(anchor.values for anchor in known)))


def _compile(condition: Any) -> Test:
    match condition:
        case ConditionAND():
            return _all([_compile(arg) for arg in condition.args])
        case ConditionOR():
            is_flat = all(isinstance(arg, ConditionFieldEqualsValueExpression) for arg in condition.args)
            values = _anchor(condition) if is_flat else None
            return _one_of(values) if values else any_of([_compile(arg) for arg in condition.args])
        case ConditionNOT():
            inner = _compile(condition.args[0])
            return lambda fields: not inner(fields)
        case ConditionFieldEqualsValueExpression():
            return field_test(condition.field, condition.value)
        case ConditionValueExpression():
            return keyword_test(condition.value)
        case ConditionItem() | _:
            raise DetectionRuleInvalid(reason=f"{type(condition).__name__} is not supported")


def _all(tests: Sequence[Test]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda fields: first(fields) and second(fields)
    return lambda fields: all(test(fields) for test in tests)


def _one_of(anchor: Anchor) -> Test:
    """A list of plain values of one field, which is all that the condition says."""
    name, values = anchor.field, anchor.values

    def found(fields: Fields) -> bool:
        told = fields.get(name)
        if isinstance(told, list):
            return any(each is not None and text_of(each).lower() in values for each in told)
        return told is not None and text_of(told).lower() in values

    return found


def _plain(value: SigmaString) -> str:
    return "".join(part for part in value.s if isinstance(part, str))
