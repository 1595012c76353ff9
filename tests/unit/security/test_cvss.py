"""CVSS base scores: as FIRST publishes them, and as another implementation computes them."""

from __future__ import annotations

import pytest
from cvss import CVSS3, CVSS4
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.security.cvss import scored, severity_of
from domain.security.risk_errors import CvssVectorInvalid

THREE = {"AV": "NALP", "AC": "LH", "PR": "NLH", "UI": "NR", "S": "UC", "C": "HLN", "I": "HLN", "A": "HLN"}
FOUR = {
    "AV": "NALP",
    "AC": "LH",
    "AT": "NP",
    "PR": "NLH",
    "UI": "NPA",
    "VC": "HLN",
    "VI": "HLN",
    "VA": "HLN",
    "SC": "HLN",
    "SI": "HLN",
    "SA": "HLN",
}


WHOLE = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"


def vectors(prefix: str, metrics: dict[str, str]) -> st.SearchStrategy[str]:
    values = st.tuples(*(st.sampled_from(letters) for letters in metrics.values()))
    return values.map(lambda one: "/".join([prefix, *(f"{n}:{v}" for n, v in zip(metrics, one, strict=True))]))


class TestScore:
    @pytest.mark.parametrize(
        ("vector", "score", "severity"),
        [
            # FIRST's examples of 3.1: CVE-2013-1937, CVE-2013-0375, CVE-2014-3566, CVE-2014-0160, CVE-2012-1516.
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1, "medium"),
            ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4, "medium"),
            ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1, "low"),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5, "high"),
            ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", 9.9, "critical"),
            # FIRST's examples of 4.0: CVE-2022-41741, CVE-2020-3549, CVE-2023-3089, CVE-2021-44714, CVE-2022-21830.
            ("CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.3, "high"),
            ("CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.7, "high"),
            ("CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:N/VC:H/VI:L/VA:L/SC:N/SI:N/SA:N", 8.3, "high"),
            ("CVSS:4.0/AV:L/AC:L/AT:N/PR:N/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N", 4.6, "medium"),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:A/VC:N/VI:N/VA:N/SC:L/SI:L/SA:N", 5.1, "medium"),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", 0.0, "none"),
        ],
    )
    def test_is_the_published_one(self, vector: str, score: float, severity: str) -> None:
        found = scored(vector)

        assert (score, severity) == (found.score, found.severity)

    @settings(max_examples=300, deadline=None)
    @given(vectors("CVSS:3.1", THREE))
    def test_of_3_1_is_what_another_implementation_says(self, vector: str) -> None:
        assert float(CVSS3(vector).base_score) == scored(vector).score

    @settings(max_examples=600, deadline=None)
    @given(vectors("CVSS:4.0", FOUR))
    def test_of_4_0_is_what_another_implementation_says(self, vector: str) -> None:
        assert float(CVSS4(vector).base_score) == scored(vector).score

    def test_is_the_base_score_whatever_else_is_said(self) -> None:
        base = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"

        assert 9.8 == scored(base).score == scored(f"{base}/E:U/RL:O/MAV:P").score

    def test_has_words_at_the_specifications_borders(self) -> None:
        ratings = {0.0: "none", 0.1: "low", 3.9: "low", 4.0: "medium", 6.9: "medium", 7.0: "high", 9.0: "critical"}

        assert ratings == {score: severity_of(score) for score in ratings}


class TestRegister:
    def test_takes_likelihood_from_what_is_in_the_way_and_impact_from_what_is_lost(self) -> None:
        worst = scored("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
        hard = scored("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:L")
        some = scored("CVSS:4.0/AV:N/AC:L/AT:P/PR:L/UI:N/VC:H/VI:N/VA:N/SC:N/SI:N/SA:N")

        assert [(5, 5), (1, 2), (3, 4)] == [(each.likelihood, each.impact) for each in (worst, hard, some)]


class TestVector:
    @pytest.mark.parametrize(
        ("vector", "says"),
        [
            ("", "begins with none"),
            ("AV:N/AC:L/Au:N/C:P/I:P/A:P", "begins with none"),
            ("CVSS:2.0/AV:N", "begins with none"),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H", "lacks A"),
            ("CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "no AV:X"),
            ("CVSS:3.1/AV:NA/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "no AV:NA"),
            ("CVSS:4.0/AV:N/AC:LH/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "no AC:LH"),
            ("CVSS:3.1/AV:N/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "AV twice"),
            ("CVSS:3.1/AV:N//AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "no metric"),
            ("CVSS:4.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "no C:H in CVSS 4.0"),
            ("CVSS:3.1/" + "E:U/" * 200, "longer than"),
        ],
    )
    def test_that_is_none_is_refused_by_what_is_wrong_with_it(self, vector: str, says: str) -> None:
        with pytest.raises(CvssVectorInvalid, match=says):
            scored(vector)

    @settings(max_examples=300, deadline=None)
    @given(
        st.text()
        | st.text().map(lambda text: f"CVSS:4.0/{text}")
        | st.from_regex(r"CVSS:3\.1(/[A-Z]{1,2}:[A-Z])*")
        | st.tuples(st.integers(9, 44), st.sampled_from("NALPHUCR:/")).map(
            lambda cut: WHOLE[: cut[0]] + cut[1] + WHOLE[cut[0] :]
        )
    )
    def test_of_any_kind_is_scored_or_refused(self, text: str) -> None:
        try:
            assert 0 <= scored(text).score <= 10
        except CvssVectorInvalid:
            return
