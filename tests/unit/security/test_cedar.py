"""Policies are read once and refused by name; none of them takes the process with it."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.permissions import Permission, Scope
from domain.permissions import PERMISSIONS
from domain.security.cedar import MAX_CHARACTERS, Reads, Vocabulary, parse
from domain.security.errors import PolicyInvalid

VOCABULARY = Vocabulary(PERMISSIONS.values())
RENAME = 'HarborGrid::Action::"analytics.rename_dashboard"'


def when(condition: str) -> str:
    """A policy with this condition."""
    return f"forbid (principal, action, resource) when {{ {condition} }};"


class TestValidate:
    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("", "there is no statement"),
            ("// nothing but words", "there is no statement"),
            ("permit", "unexpected end"),
            ("permit (principal, action, resource)", "unexpected end"),
            ("allow (principal, action, resource);", "invalid policy effect"),
            ("permit (principal == ?principal, action, resource);", "templates"),
            (when("principal.nope"), "`nope`"),
            (when("context.nope == 1"), "`nope`"),
            (when("context.ip.isLoopback()"), "`ip`"),
            (when('context has ip && context.ip == "10.0.0.1"'), "types"),
            (when('ip("not an address").isLoopback()'), "not an address"),
            ('permit (principal, action == HarborGrid::Action::"analytics.explode", resource);', "analytics.explode"),
            ("permit (principal is HarborGrid::Operator, action, resource);", "Operator"),
            ("permit (principal, action, resource is HarborGrid::Submarine);", "Submarine"),
            ('@id("a") @id("a") permit (principal, action, resource);', "annotation"),
        ],
    )
    def test_names_what_is_wrong(self, text: str, problem: str) -> None:
        with pytest.raises(PolicyInvalid) as refused:
            VOCABULARY.validate(text)

        assert problem in " ".join(refused.value.details["problems"])

    def test_takes_what_fits(self) -> None:
        text = (
            f'@id("hours") forbid (principal, action == {RENAME}, resource) '
            "unless { context has minuteOfDay && context.minuteOfDay >= 480 && context.minuteOfDay < 1080 };"
            'permit (principal == HarborGrid::ApiKey::"key_1", action in HarborGrid::Action::"write", resource);'
        )

        assert ("forbid", "permit") == VOCABULARY.validate(text).effects

    def test_keeps_statements_in_their_order_when_there_are_many(self) -> None:
        effects = ("permit", "forbid", "forbid") * 5
        text = "".join(f"{effect} (principal, action, resource);" for effect in effects)

        assert effects == VOCABULARY.validate(text).effects


class TestAbyss:
    """Each of these made Cedar's parser overflow its stack, which no `except` catches, or eat memory."""

    @pytest.mark.parametrize(
        "condition",
        [
            "(" * 2_000 + "true" + ")" * 2_000,
            "!(" * 2_000 + "true" + ")" * 2_000,
            "principal == " + "[" * 2_000 + "]" * 2_000,
            "principal == " + "{a:" * 1_500 + "1" + "}" * 1_500,
            "principal has a" + ".a" * 3_000,
            "principal has a" + " . a" * 1_500,
            "1 == " + "1+" * 3_000 + "1",
            "true && " * 1_000 + "true",
            "if true then true else " * 300 + "true",
            "!" * 3_000 + "true",
            "(" * 2_000,
            '"' + "(" * 2_000,
        ],
        ids=["brackets", "not", "sets", "records", "path", "spaced path", "sum", "and", "if", "nots", "open", "string"],
    )
    def test_is_refused(self, condition: str) -> None:
        with pytest.raises(PolicyInvalid):
            VOCABULARY.validate(when(condition))

    def test_of_length_is_refused(self) -> None:
        with pytest.raises(PolicyInvalid, match="too long"):
            parse("permit (principal, action, resource);" + " " * MAX_CHARACTERS)

    def test_is_not_seen_where_there_is_none(self) -> None:
        brackets_in_words = f"// {'(' * 100}\n" + when(f'principal in HarborGrid::Role::"{"(" * 100}"')
        one_after_the_other = when(" && ".join(["(true)"] * 40))

        assert VOCABULARY.validate(brackets_in_words)
        assert VOCABULARY.validate(one_after_the_other)

    words = st.sampled_from(
        re.split(
            " ",
            "permit forbid ( ) [ ] { } principal action resource context , ; when unless == in is has like . && || ! + "
            'if then else true 1 "a" HarborGrid::Action :: ip @id // \\ " é ?principal',
        )
    )

    @given(st.lists(words, max_size=60).map(" ".join) | st.text(max_size=200))
    def test_is_nowhere_in_whatever_somebody_types(self, text: str) -> None:
        with suppress(PolicyInvalid):
            assert VOCABULARY.validate(text).effects


class TestWhatPoliciesRead:
    @pytest.mark.parametrize(
        ("condition", "read"),
        [
            ("true", set()),
            ("context has ip && context.ip.isLoopback()", {"ip"}),
            ('context has "country" && context["country"] == "NO"', {"country"}),
            ("context has weekday && context has now && context.weekday < 6", {"weekday", "now"}),
            ("if context has now then true else false", {"now"}),
        ],
    )
    def test_of_the_circumstances_is_known(self, condition: str, read: set[str]) -> None:
        [statement] = VOCABULARY.validate(when(condition)).policies

        assert read == set(Reads.of(statement).context)
        assert not Reads.of(statement).thing

    @pytest.mark.parametrize(
        ("text", "reads"),
        [
            ("permit (principal, action, resource);", (False, False)),
            ("permit (principal, action, resource is HarborGrid::Dashboard);", (False, False)),
            ('permit (principal, action, resource == HarborGrid::Dashboard::"d");', (True, False)),
            ('permit (principal, action, resource in HarborGrid::Tenant::"t");', (True, True)),
            ('permit (principal, action, resource is HarborGrid::Dashboard in HarborGrid::Tenant::"t");', (True, True)),
            ('permit (principal, action, resource) when { resource == HarborGrid::Dashboard::"d" };', (True, True)),
        ],
    )
    def test_of_the_thing_is_known(self, text: str, reads: tuple[bool, bool]) -> None:
        [statement] = VOCABULARY.validate(text).policies

        assert reads == (Reads.of(statement).thing, Reads.of(statement).its_data)


class TestVocabulary:
    def test_gives_the_platform_no_words_for_operators_in_tenants_policies(self) -> None:
        operators = Permission("security.shut_down", Scope.OPERATOR, "Platform")

        assert operators.name not in Vocabulary([*PERMISSIONS.values(), operators]).schema
