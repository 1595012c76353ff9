"""What a Sigma rule says of one field, as closures: values, wildcards, numbers, networks, expressions."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import re2
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

_WILD = {SpecialChars.WILDCARD_MULTI: "(?s:.*)", SpecialChars.WILDCARD_SINGLE: "(?s:.)"}

Fields: TypeAlias = Mapping[str, Any]
Test: TypeAlias = Callable[[Fields], bool]
Value: TypeAlias = Callable[[Any], bool]


def field_test(name: str, value: SigmaType) -> Test:
    """Whether a record's field is what a rule says of it. Raises DetectionRuleInvalid for what is not supported."""
    match value:
        case SigmaExists():
            wanted = bool(value)
            return lambda fields: (name in fields) is wanted
        case SigmaNull():
            return lambda fields: fields.get(name) is None
        case SigmaFieldReference():
            return _reference(name, value)
        case SigmaExpansion():
            return any_of([field_test(name, each) for each in value.values])
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
        mine, theirs = text_of(fields[name]).lower(), text_of(fields[other]).lower()
        if starts and ends:
            return theirs in mine
        if starts:
            return mine.startswith(theirs)
        return mine.endswith(theirs) if ends else mine == theirs

    return found


def keyword_test(value: SigmaType) -> Test:
    """Whether any field has this in it. Raises DetectionRuleInvalid."""
    if not isinstance(value, SigmaString | SigmaNumber):
        raise DetectionRuleInvalid(reason="keywords have to be text or numbers")
    text = value if isinstance(value, SigmaString) else SigmaString(str(value.number))
    test = _pattern([SpecialChars.WILDCARD_MULTI, *text.s, SpecialChars.WILDCARD_MULTI], cased=False)
    return lambda fields: any(test(each) for told in fields.values() for each in values_of(told))


def _value_test(value: SigmaType) -> Value:
    match value:
        case SigmaCasedString():
            return _pattern(list(value.s), cased=True)
        case SigmaString():
            return _pattern(list(value.s), cased=False)
        case SigmaBool():
            wanted = "true" if value.boolean else "false"
            return lambda told: text_of(told).lower() == wanted
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
        return text_of(told) if cased else text_of(told).lower()

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
        span = _span(text_of(told))
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
        expression = re2.compile(expression_text(value), options)
    except re2.error as error:
        raise DetectionRuleInvalid(reason=f"regular expression (RE2): {str(error)[:200]}") from None
    return lambda told: expression.search(text_of(told)) is not None


def expression_text(value: SigmaRegularExpression) -> str:
    """The expression, with its flags, in RE2's words."""
    flags = "".join(sorted(flag.name[0].lower() for flag in value.flags))
    # DOTALL is the s, not the d.
    flags = flags.replace("d", "s")
    return f"(?{flags}:{value.regexp})" if flags else str(value.regexp)


def any_of(tests: Sequence[Test]) -> Test:
    """Whether one of these holds."""
    if len(tests) == 2:
        first, second = tests
        return lambda fields: first(fields) or second(fields)
    return lambda fields: any(test(fields) for test in tests)


def values_of(told: Any) -> Sequence[Any]:
    """The values of a field: a list has several, a missing one none."""
    return told if isinstance(told, list) else () if told is None else (told,)


def text_of(told: Any) -> str:
    """A value as rules compare it."""
    if isinstance(told, str):
        return told
    return ("true" if told else "false") if isinstance(told, bool) else str(told)


def _number(told: Any) -> float | None:
    if isinstance(told, bool):
        return None
    if isinstance(told, int | float):
        return told
    return float(told) if isinstance(told, str) and re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", told) else None
