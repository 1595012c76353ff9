"""Sigma rules (Sigma specification 2.1): pySigma reads them, this decides whether a log record matches.

Rules are compiled to closures once, and found by log source and by what a record must have for them to match: a value,
or text that a search has to find. All such searches in a field are one automaton (RE2), so with thousands of rules, a
record is compared with the few that could say something about it.
"""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

import re2  # type: ignore[import-untyped]
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
from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaType,
    SpecialChars,
)

from domain.security.errors import DetectionRuleInvalid

PRODUCT = "harborgrid"
CATEGORIES = ("authentication", "gateway", "security", "audit")
LONGEST_RULE = 16_384
_DEEPEST = 30
_SEARCH_MEMORY = 64 << 20
_WILD = {SpecialChars.WILDCARD_MULTI: "(?s:.*)", SpecialChars.WILDCARD_SINGLE: "(?s:.)"}

Fields: TypeAlias = Mapping[str, Any]
Test: TypeAlias = Callable[[Fields], bool]
Value: TypeAlias = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Anchor:
    """A record that matches has one of these values, in lower case, in this field."""

    field: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Needles:
    """In a record that matches, one of these expressions (RE2) finds something in this field, lowered or as is."""

    field: str
    lowered: bool
    expressions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule that says of one record whether it matches. category None: records of every category."""

    id: str
    name: str | None
    title: str
    level: str
    category: str | None
    test: Test
    anchor: Anchor | None
    needles: Needles | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The rules for one category: by field and value, by what is searched in a field, and the rest, asked always."""

    anchored: Mapping[str, Mapping[str, Collection[Compiled]]]
    searched: Mapping[tuple[str, bool], _Search]
    others: Sequence[Compiled]

    def matching(self, fields: Fields) -> list[Compiled]:
        found = [rule for rule in self.others if rule.test(fields)]
        for name, by_value in self.anchored.items():
            told = fields.get(name)
            if isinstance(told, list):
                # Two of its values may lead to the same rule.
                asked: Collection[Compiled] = {
                    rule.id: rule for value in told for rule in by_value.get(_text(value).lower(), ())
                }.values()
            elif told is None:
                continue
            else:
                asked = by_value.get(_text(told).lower(), ())
            found += [rule for rule in asked if rule.test(fields)]
        for (name, lowered), search in self.searched.items():
            texts = [_text(value) for value in _values(fields.get(name))]
            possible = search.possible([text.lower() for text in texts] if lowered else texts)
            found += [rule for rule in possible if rule.test(fields)]
        return found


class _Search:
    """Every expression that is searched for in one field, at once."""

    def __init__(self, rules: Sequence[Compiled]) -> None:
        self._rules, self._rule_of = rules, [-1]
        self._set = re2.Set.SearchSet(_search_options())
        # Finds something in everything: without it in the answer, there was too little memory to answer.
        self._set.Add("")
        for place, rule in enumerate(rules):
            for expression in sorted(rule.needles.expressions if rule.needles else ()):
                self._set.Add(expression)
                self._rule_of.append(place)
        try:
            self._set.Compile()
        except re2.error:
            # Too many for the memory: every rule is asked.
            self._set = None

    def possible(self, texts: Sequence[str]) -> Iterable[Compiled]:
        """The rules that can match a record with one of these in the field."""
        places: set[int] = set()
        for text in texts:
            found = self._set.Match(text) if self._set else ()
            if 0 not in found:
                return self._rules
            places.update([self._rule_of[each] for each in found])
        places.discard(-1)
        return [self._rules[place] for place in places]


class RuleSet:
    """Many rules, found by log source and anchor."""

    def __init__(self, rules: Iterable[Compiled]) -> None:
        self.rules = {rule.id: rule for rule in rules}
        self._shelves = {category: _shelf(self.rules.values(), category) for category in CATEGORIES}

    def matching(self, category: str, fields: Fields) -> list[Compiled]:
        """Those that match a record of this category."""
        shelf = self._shelves.get(category)
        return shelf.matching(fields) if shelf else []


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
    except Exception as error:  # noqa: BLE001 - see above
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
        test=tests[0] if len(tests) == 1 else _any(tests),
        anchor=_united(anchors),
        needles=_one_field([_needles(condition) for condition in conditions]),
        about=_about(rule.custom_attributes),
    )


def _about(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    told = attributes.get(PRODUCT, {})
    if not isinstance(told, dict):
        raise DetectionRuleInvalid(reason=f'"{PRODUCT}" has to be a mapping')
    return told


def _shelf(rules: Iterable[Compiled], category: str) -> _Shelf:
    anchored: defaultdict[str, defaultdict[str, list[Compiled]]] = defaultdict(lambda: defaultdict(list))
    searched: defaultdict[tuple[str, bool], list[Compiled]] = defaultdict(list)
    others = []
    for rule in rules:
        if rule.category not in (None, category):
            continue
        if rule.anchor is not None:
            for value in rule.anchor.values:
                anchored[rule.anchor.field][value].append(rule)
        elif rule.needles is not None:
            searched[rule.needles.field, rule.needles.lowered].append(rule)
        else:
            others.append(rule)
    return _Shelf(
        {name: dict(by_value) for name, by_value in anchored.items()},
        {where: _Search(those) for where, those in searched.items()},
        others,
    )


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
        return Needles(condition.field, lowered=False, expressions=frozenset({_expression_text(value)}))
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
            return _one_of(values) if values else _any([_compile(arg) for arg in condition.args])
        case ConditionNOT():
            inner = _compile(condition.args[0])
            return lambda fields: not inner(fields)
        case ConditionFieldEqualsValueExpression():
            return _field_test(condition.field, condition.value)
        case ConditionValueExpression():
            return _keyword(condition.value)
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
            return any(each is not None and _text(each).lower() in values for each in told)
        return told is not None and _text(told).lower() in values

    return found


def _any(tests: Sequence[Test]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda fields: first(fields) or second(fields)
    return lambda fields: any(test(fields) for test in tests)


def _field_test(name: str, value: SigmaType) -> Test:
    match value:
        case SigmaExists():
            wanted = bool(value)
            return lambda fields: (name in fields) is wanted
        case SigmaNull():
            return lambda fields: fields.get(name) is None
        case SigmaFieldReference():
            return _reference(name, value)
        case SigmaExpansion():
            return _any([_field_test(name, each) for each in value.values])
    test = _value_test(value)

    def found(fields: Fields) -> bool:
        told = fields.get(name)
        if isinstance(told, list):
            return any(each is not None and test(each) for each in told)
        return told is not None and test(told)

    return found


def _reference(name: str, value: SigmaFieldReference) -> Test:
    other, starts, ends = value.field, value.starts_with, value.ends_with

    def found(fields: Fields) -> bool:
        if fields.get(name) is None or fields.get(other) is None:
            return False
        mine, theirs = _text(fields[name]).lower(), _text(fields[other]).lower()
        if starts and ends:
            return theirs in mine
        if starts:
            return mine.startswith(theirs)
        return mine.endswith(theirs) if ends else mine == theirs

    return found


def _keyword(value: SigmaType) -> Test:
    if not isinstance(value, SigmaString | SigmaNumber):
        raise DetectionRuleInvalid(reason="keywords have to be text or numbers")
    text = value if isinstance(value, SigmaString) else SigmaString(str(value.number))
    test = _pattern([SpecialChars.WILDCARD_MULTI, *text.s, SpecialChars.WILDCARD_MULTI], cased=False)
    return lambda fields: any(test(each) for told in fields.values() for each in _values(told))


def _value_test(value: SigmaType) -> Value:
    match value:
        case SigmaCasedString():
            return _pattern(list(value.s), cased=True)
        case SigmaString():
            return _pattern(list(value.s), cased=False)
        case SigmaBool():
            wanted = "true" if value.boolean else "false"
            return lambda told: _text(told).lower() == wanted
        case SigmaNumber():
            number = value.number
            return lambda told: _number(told) == number
        case SigmaCompareExpression():
            return _comparison(value)
        case SigmaCIDRExpression():
            return _network(value)
        case SigmaRegularExpression():
            return _expression(value)
    raise DetectionRuleInvalid(reason=f"{type(value).__name__.removeprefix('Sigma')} is not supported")


def _pattern(parts: list[Any], *, cased: bool) -> Value:
    """Wildcards; the common shapes without a regular expression."""
    said = [
        part if isinstance(part, str) and cased else part.lower() if isinstance(part, str) else part for part in parts
    ]
    many = SpecialChars.WILDCARD_MULTI

    def plain(told: Any) -> str:
        return _text(told) if cased else _text(told).lower()

    match said:
        case []:
            return lambda told: plain(told) == ""
        case [str(whole)]:
            return lambda told: plain(told) == whole
        case [str(start), last] if last is many:
            return lambda told: plain(told).startswith(start)
        case [first, str(end)] if first is many:
            return lambda told: plain(told).endswith(end)
        case [first, str(middle), last] if first is many and last is many:
            return lambda told: middle in plain(told)
    try:
        expression = re2.compile("".join(re2.escape(part) if isinstance(part, str) else _WILD[part] for part in said))
    except (KeyError, re2.error):
        raise DetectionRuleInvalid(reason="it has a placeholder or a pattern that cannot be used") from None
    return lambda told: expression.fullmatch(plain(told)) is not None


def _comparison(value: SigmaCompareExpression) -> Value:
    if not isinstance(value.number, SigmaNumber):
        raise DetectionRuleInvalid(reason="only numbers can be compared")
    bound, compare = value.number.number, _COMPARES.get(value.op)
    if compare is None:
        raise DetectionRuleInvalid(reason=f"{value.op.name.lower()} is not supported")

    def test(told: Any) -> bool:
        number = _number(told)
        return number is not None and compare(number, bound)

    return test


_COMPARES: Mapping[CompareOperators, Callable[[float, float], bool]] = {
    CompareOperators.LT: lambda told, bound: told < bound,
    CompareOperators.LTE: lambda told, bound: told <= bound,
    CompareOperators.GT: lambda told, bound: told > bound,
    CompareOperators.GTE: lambda told, bound: told >= bound,
}


def _network(value: SigmaCIDRExpression) -> Value:
    network = ipaddress.ip_network(value.cidr, strict=False)
    first, last, version = int(network.network_address), int(network.broadcast_address), network.version

    def test(told: Any) -> bool:
        span = _span(_text(told))
        return span is not None and span[2] == version and first <= span[0] and span[1] <= last

    return test


@lru_cache(maxsize=4096)
def _span(text: str) -> tuple[int, int, int] | None:
    """First and last address, and the version. Many rules ask about the same record's network."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    return int(network.network_address), int(network.broadcast_address), network.version


def _expression(value: SigmaRegularExpression) -> Value:
    options = re2.Options()
    options.log_errors, options.max_mem = False, 1 << 20
    try:
        expression = re2.compile(_expression_text(value), options)
    except re2.error as error:
        raise DetectionRuleInvalid(reason=f"regular expression (RE2): {str(error)[:200]}") from None
    return lambda told: expression.search(_text(told)) is not None


def _expression_text(value: SigmaRegularExpression) -> str:
    flags = "".join(sorted(flag.name[0].lower() for flag in value.flags))
    # DOTALL is the s, not the d.
    flags = flags.replace("d", "s")
    return f"(?{flags}:{value.regexp})" if flags else str(value.regexp)


def _search_options() -> Any:
    options = re2.Options()
    options.log_errors, options.max_mem = False, _SEARCH_MEMORY
    return options


def _plain(value: SigmaString) -> str:
    return "".join(part for part in value.s if isinstance(part, str))


def _values(told: Any) -> Sequence[Any]:
    return told if isinstance(told, list) else () if told is None else (told,)


def _text(told: Any) -> str:
    if isinstance(told, str):
        return told
    return ("true" if told else "false") if isinstance(told, bool) else str(told)


def _number(told: Any) -> float | None:
    if isinstance(told, bool):
        return None
    if isinstance(told, int | float):
        return told
    return float(told) if isinstance(told, str) and re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", told) else None
