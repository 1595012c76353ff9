"""Many detection rules, found by log source and by what a record must have for them to match.

That is a value, or text that a search has to find. All such searches in a field are one automaton (RE2), so with
thousands of rules, a record is compared with the few that could say something about it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import re2

from domain.security.sigma_values import Fields, Test, text_of, values_of

CATEGORIES = ("authentication", "gateway", "security", "audit")
SEARCH_MEMORY = 64 << 20
"""With less than the searches of a field take, every rule is asked."""


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
                    rule.id: rule for value in told for rule in by_value.get(text_of(value).lower(), ())
                }.values()
            elif told is None:
                continue
            else:
                asked = by_value.get(text_of(told).lower(), ())
            found += [rule for rule in asked if rule.test(fields)]
        for (name, lowered), search in self.searched.items():
            texts = [text_of(value) for value in values_of(fields.get(name))]
            possible = search.possible([text.lower() for text in texts] if lowered else texts)
            found += [rule for rule in possible if rule.test(fields)]
        return found


class _Search:
    """Every expression that is searched for in one field, at once."""

    def __init__(self, rules: Sequence[Compiled], memory: int) -> None:
        self._rules, self._rule_of = rules, [-1]
        options = re2.Options()
        options.log_errors, options.max_mem = False, memory
        self._set = re2.Set.SearchSet(options)
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

    def __init__(self, rules: Iterable[Compiled], *, memory: int = SEARCH_MEMORY) -> None:
        """memory: bytes for the searches of one field."""
        self.rules = {rule.id: rule for rule in rules}
        self._shelves = {category: _shelf(self.rules.values(), category, memory) for category in CATEGORIES}

    def matching(self, category: str, fields: Fields) -> list[Compiled]:
        """Those that match a record of this category."""
        shelf = self._shelves.get(category)
        return shelf.matching(fields) if shelf else []


def _shelf(rules: Iterable[Compiled], category: str, memory: int) -> _Shelf:
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
        {where: _Search(those, memory) for where, those in searched.items()},
        others,
    )
