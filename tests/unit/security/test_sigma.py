"""Sigma rules decide as the specification says, whatever way they are found."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.security.errors import DetectionRuleInvalid
from domain.security.rule_index import CATEGORIES, Compiled, RuleSet
from domain.security.sigma import compiled, documents_of


def rule(detection: dict[str, Any], *, number: int = 1, **changes: Any) -> Compiled:
    return compiled(
        {
            "title": "A rule",
            "id": f"7f0b3c6e-2a61-4b64-9d2a-{number:012}",
            "logsource": {"product": "harborgrid", "category": "authentication"},
            "detection": {"condition": "selection", **detection},
            **changes,
        }
    )


def matches(selection: Any, fields: dict[str, Any]) -> bool:
    return rule({"selection": selection}).test(fields)


class TestValue:
    @pytest.mark.parametrize(
        ("selection", "fields"),
        [
            ({"type": "security.login.failure"}, {"type": "Security.LOGIN.failure"}),
            ({"n": 3}, {"n": 3}),
            ({"n": 3}, {"n": "3"}),
            ({"n": "3"}, {"n": 3}),
            ({"yes": True}, {"yes": True}),
            ({"name": ["a", "b"]}, {"name": "B"}),
            ({"name": "a*c"}, {"name": "a\nbc"}),
            ({"name": "a?c"}, {"name": "abc"}),
            ({"name": r"a\*c"}, {"name": "a*c"}),
            ({"name": "*"}, {"name": ""}),
            ({"name": ""}, {"name": ""}),
            ({"name|contains": "mid"}, {"name": "aMIDdle"}),
            ({"name|contains|all": ["mid", "dle"]}, {"name": "middle"}),
            ({"name|startswith": "mi"}, {"name": "middle"}),
            ({"name|endswith": "le"}, {"name": "middle"}),
            ({"name|cased": "Mid"}, {"name": "Mid"}),
            ({"name|re": "^m.d+le$"}, {"name": "middle"}),
            ({"name|re|i": "^MID"}, {"name": "middle"}),
            ({"name|re|s": "a.b"}, {"name": "a\nb"}),
            ({"name|re|m": "^b"}, {"name": "a\nb"}),
            ({"n|gte": 3}, {"n": 3}),
            ({"n|gt": 2.5}, {"n": 3}),
            ({"n|lt": 4}, {"n": "3"}),
            ({"n|lte": 3}, {"n": 3}),
            ({"net|cidr": "203.0.113.0/24"}, {"net": "203.0.113.7"}),
            ({"net|cidr": "203.0.0.0/16"}, {"net": "203.0.113.0/24"}),
            ({"net|cidr": "2001:db8::/32"}, {"net": "2001:db8:1::/48"}),
            ({"gone": None}, {}),
            ({"gone": None}, {"gone": None}),
            ({"there|exists": True}, {"there": ""}),
            ({"there|exists": False}, {}),
            ({"a|fieldref": "b"}, {"a": "X", "b": "x"}),
            ({"list": "b"}, {"list": ["a", "B"]}),
            (["needle"], {"hay": "a Needle in it", "more": None}),
            ([7], {"n": 170}),
        ],
    )
    def test_matches(self, selection: Any, fields: dict[str, Any]) -> None:
        assert matches(selection, fields)

    @pytest.mark.parametrize(
        ("selection", "fields"),
        [
            ({"type": "a"}, {}),
            ({"type": "a"}, {"type": None}),
            ({"type": "a"}, {"type": "ab"}),
            ({"name": "a?c"}, {"name": "ac"}),
            ({"name": r"a\*c"}, {"name": "abc"}),
            ({"name|contains|all": ["mid", "x"]}, {"name": "middle"}),
            ({"name|cased": "Mid"}, {"name": "mid"}),
            ({"n|gte": 3}, {"n": 2}),
            ({"n|gte": 3}, {"n": "many"}),
            ({"n|gte": 0}, {"n": True}),
            ({"n": 3}, {"n": "three"}),
            ({"net|cidr": "203.0.113.0/24"}, {"net": "203.0.0.0/16"}),
            ({"net|cidr": "203.0.113.0/24"}, {"net": "2001:db8::1"}),
            ({"net|cidr": "203.0.113.0/24"}, {"net": "home"}),
            ({"gone": None}, {"gone": 0}),
            ({"there|exists": True}, {}),
            ({"a|fieldref": "b"}, {"a": "x"}),
            ({"name|re": "^b"}, {"name": "a\nb"}),
            (["needle"], {"hay": "none"}),
        ],
    )
    def test_does_not_match(self, selection: Any, fields: dict[str, Any]) -> None:
        assert not matches(selection, fields)


class TestSearch:
    @pytest.mark.parametrize("name", ["İstanbul", "STRASSE straße", "ΣΊΣΥΦΟΣ", "a\x00b", "🜁"])
    @pytest.mark.parametrize("modifier", ["contains", "startswith", "endswith", "re"])
    def test_finds_what_the_rule_finds_in_any_script(self, name: str, modifier: str) -> None:
        for told in (name, name.lower(), name.upper(), f"x{name}y"):
            one = rule({"selection": {f"a|{modifier}": name}})

            assert one.test({"a": told}) is bool(RuleSet([one]).matching("authentication", {"a": told}))

    def test_answers_though_there_is_too_little_memory_for_the_index(self) -> None:
        rules = [rule({"selection": {"a|re": f"(x|y){{1,9}}z{n}.{{0,40}}w"}}, number=n) for n in range(40)]

        found = RuleSet(rules, memory=40_000).matching("authentication", {"a": "xyxyxy" * 50 + "z7 w"})

        assert [rules[7].id] == [each.id for each in found if each.id == rules[7].id]


class TestCondition:
    DETECTION = {"one": {"a": "1"}, "two": {"b": "2"}, "other": {"c": "3"}}

    @pytest.mark.parametrize(
        ("condition", "holds"),
        [
            ("one and two", {"ab", "abc"}),
            ("one or two", {"a", "b", "ab", "ac", "bc", "abc"}),
            ("one and not other", {"a", "ab"}),
            ("not (one or two)", {"", "c"}),
            ("1 of them", {"a", "b", "c", "ab", "ac", "bc", "abc"}),
            ("all of them", {"abc"}),
            ("1 of o*", {"a", "c", "ab", "ac", "bc", "abc"}),
            ("all of t* and one", {"ab", "abc"}),
            ("one or two and other", {"a", "ab", "ac", "bc", "abc"}),
        ],
    )
    def test_holds_where_it_should(self, condition: str, holds: set[str]) -> None:
        test = rule({**self.DETECTION, "condition": condition}).test
        worlds = ["", "a", "b", "c", "ab", "ac", "bc", "abc"]

        assert holds == {world for world in worlds if test({name: str("abc".index(name) + 1) for name in world})}

    def test_that_is_a_list_holds_if_any_does(self) -> None:
        test = rule({**self.DETECTION, "condition": ["one and two", "other"]}).test

        assert [True, True, False] == [test(each) for each in ({"a": 1, "b": 2}, {"c": "3"}, {"a": "1"})]


class TestRuleSet:
    def test_looks_only_at_rules_of_the_category(self) -> None:
        everywhere = rule({"selection": {"a": "1"}}, number=2, logsource={"product": "harborgrid"})
        rules = RuleSet([rule({"selection": {"a": "1"}}), everywhere])

        found = {category: {each.id[-1] for each in rules.matching(category, {"a": "1"})} for category in CATEGORIES}

        assert {"authentication": {"1", "2"}, "gateway": {"2"}, "security": {"2"}, "audit": {"2"}} == found
        assert [] == rules.matching("elsewhere", {"a": "1"})

    @settings(max_examples=300, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.dictionaries(
                    st.sampled_from(["a", "b", "a|contains", "b|startswith", "a|re", "c|exists"]),
                    st.sampled_from(["x", "y", "X", "xy", "*x", "1"]),
                    min_size=1,
                ),
                st.dictionaries(st.sampled_from(["a", "c"]), st.sampled_from(["x", "y", ["x", "z"]]), min_size=1),
                st.sampled_from(["s", "s or t", "s and t", "s and not t", "not s", "1 of them"]),
            ),
            min_size=1,
            max_size=8,
        ),
        st.dictionaries(
            st.sampled_from(["a", "b", "c"]), st.sampled_from(["x", "Y", "xy", 1, None, True, ["x", "y"], ""])
        ),
    )
    def test_finds_what_comparing_with_every_rule_finds(
        self, written: list[tuple[dict[str, Any], dict[str, Any], str]], fields: dict[str, Any]
    ) -> None:
        rules = []
        for number, (s, t, condition) in enumerate(written):
            first = {
                name: value == "1" if name.endswith("exists") else _regex(name, value) for name, value in s.items()
            }
            detection = {"s": first, "condition": condition}
            if "t" in condition or "them" in condition:
                detection["t"] = t
            rules.append(rule(detection, number=number))

        found = RuleSet(rules).matching("authentication", fields)

        assert sorted(each.id for each in rules if each.test(fields)) == sorted({each.id for each in found})
        assert len(found) == len({each.id for each in found})


def _regex(name: str, value: str) -> str:
    return value.replace("*", ".") if name.endswith("re") else value


class TestRuleThatIsNone:
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"id": None}, "UUID"),
            ({"id": "x"}, "UUID"),
            ({"logsource": {"product": "windows"}}, "windows"),
            ({"logsource": {"category": "process_creation"}}, "process_creation"),
            ({"logsource": None}, ""),
            ({"detection": None}, ""),
            ({"detection": {"selection": {"a": 1}}}, ""),
            ({"detection": {"selection": {"a": 1}, "condition": "nothing"}}, "nothing"),
            ({"detection": {"selection": {"a": 1}, "condition": "selection and"}}, ""),
            ({"detection": {"selection": {"a|cidr": "home"}, "condition": "selection"}}, "home"),
            ({"detection": {"selection": {"a|re": "("}, "condition": "selection"}}, "xpression"),
            ({"detection": {"selection": {"a|re": "(?=x)"}, "condition": "selection"}}, "xpression"),
            ({"detection": {"selection": {"a|unheard": "x"}, "condition": "selection"}}, "unheard"),
            ({"detection": {"selection": {"a|gt": "x"}, "condition": "selection"}}, ""),
            ({"level": "terrible"}, "terrible"),
            ({"harborgrid": "ban"}, "mapping"),
        ],
    )
    def test_is_refused_and_says_why(self, change: dict[str, Any], reason: str) -> None:
        written = {
            "title": "A rule",
            "id": "7f0b3c6e-2a61-4b64-9d2a-9e4cb1f3a001",
            "logsource": {"product": "harborgrid"},
            "detection": {"selection": {"a": 1}, "condition": "selection"},
            **change,
        }

        with pytest.raises(DetectionRuleInvalid) as refusal:
            compiled(written)

        assert reason in refusal.value.details["reason"]

    @pytest.mark.parametrize(
        "text",
        ["", "just text", "- a\n- list", "a: &x 1\nb: *x", "[" * 100, "a: b: c", "? {a: b}\n: c", "x" * 20_000, "\x00",
         "1: 2", "a: !!python/object:os.system x"],
    )  # fmt: skip
    def test_in_yaml_is_refused(self, text: str) -> None:
        with pytest.raises(DetectionRuleInvalid):
            documents_of(text)

    @settings(max_examples=400, deadline=None)
    @given(st.text(max_size=300))
    def test_never_fails_otherwise_as_text(self, text: str) -> None:
        try:
            for document in documents_of(text):
                compiled(document)
        except DetectionRuleInvalid:
            pass

    @settings(max_examples=600, deadline=None)
    @given(
        st.fixed_dictionaries(
            {
                "title": st.text(max_size=5) | st.none() | st.integers(),
                "id": st.just("7f0b3c6e-2a61-4b64-9d2a-9e4cb1f3a001"),
                "logsource": st.just({"product": "harborgrid"}) | st.recursive(
                    st.none() | st.text(max_size=5) | st.integers(),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
                    max_leaves=4,
                ),
                "detection": st.dictionaries(
                    st.sampled_from(["s", "t", "condition", "timeframe"]),
                    st.recursive(
                        st.none() | st.text(max_size=12) | st.integers() | st.floats() | st.booleans()
                        | st.sampled_from(["s", "not s", "1 of them", "all of s*", "s | count() > 1", "s and (t"]),
                        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                            st.sampled_from(["a", "a|re", "a|cidr", "a|contains|all", "a|gt", "|", "a|base64offset",
                                             "a|windash", "a|exists", "a|fieldref", "a|expand", ""]), inner, max_size=3
                        ),
                        max_leaves=6,
                    ),
                    max_size=3,
                ),
            }
        )
    )  # fmt: skip
    def test_never_fails_otherwise_as_yaml(self, document: dict[str, Any]) -> None:
        try:
            found = compiled(document)
        except DetectionRuleInvalid:
            return
        for fields in ({}, {"a": "x"}, {"a": 1, "b": None}, {"a": ["x", 2]}):
            assert found.test(fields) in (True, False)
