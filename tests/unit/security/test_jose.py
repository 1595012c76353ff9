"""Tokens are read by the RFCs' own examples, and nothing that is not exactly right is believed."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from domain.security.access_tokens import half_hash
from domain.security.errors import TokenInvalid
from domain.security.jose import (
    ALGORITHMS,
    CLOCK_SKEW,
    Expected,
    KeySet,
    read_keys,
    sign,
    signed_claims,
    signed_payload,
    usable_keys,
    verify,
)

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
JOE = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
JOE_SAYS = {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}
# RFC 7515, appendix A.2
A2_KEY = {
    "kty": "RSA",
    "e": "AQAB",
    "n": "ofgW"
    "CuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-"
    "pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg66"
    "5xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
}
A2 = (
    f"eyJhbGciOiJSUzI1NiJ9.{JOE}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W"
    "2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN"
    "9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB"
    "p0igcN_IoypGlUPQGe77Rw"
)
# RFC 7515, appendix A.3
A3_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
A3 = (
    f"eyJhbGciOiJFUzI1NiJ9.{JOE}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
# RFC 8037, appendix A.4
ED_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
ED = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)
# RFC 7520, section 4.1
COOKBOOK_KEY = {
    "kty": "RSA",
    "kid": "bilbo.baggins@hobbiton.example",
    "use": "sig",
    "e": "AQAB",
    "n": "n4EP"
    "tAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwG"
    "U_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC"
    "0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw",
}
COOKBOOK = (
    "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9."
    "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlm"
    "IHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4."
    "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA7818"
    "5hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_"
    "de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg"
)
# RFC 7519, section 3.1 (HS256) and section 6.1 (none)
HMAC = f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
UNSECURED = f"eyJhbGciOiJub25lIn0.{JOE}."
KEYS: dict[str, Key] = {
    "EdDSA": OKPKey.generate_key("Ed25519"),
    "ES256": ECKey.generate_key("P-256"),
    "RS256": RSAKey.generate_key(2048),
}
EXPECTED = Expected(issuer="https://issuer.example", audience="https://api.example", kinds=("at+jwt",))
CLAIMS = {
    "iss": "https://issuer.example",
    "aud": "https://api.example",
    "sub": "usr_1",
    "iat": int(NOW.timestamp()),
    "nbf": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 600,
}


def set_of(*keys: dict[str, Any]) -> KeySet:
    return read_keys({"keys": list(keys)})


def public(algorithm: str, **more: Any) -> dict[str, Any]:
    return {**KEYS[algorithm].as_dict(private=False), "kid": algorithm, **more}


ALL = set_of(*(public(algorithm) for algorithm in ALGORITHMS))


def token(algorithm: str = "EdDSA", *, kind: str = "at+jwt", kid: str | None = None, **changes: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    return sign(claims, KEYS[algorithm], algorithm=algorithm, kid=kid or algorithm, kind=kind)


class TestRfcExample:
    @pytest.mark.parametrize(("compact", "key"), [(A2, A2_KEY), (A3, A3_KEY)], ids=["RFC 7515 A.2", "RFC 7515 A.3"])
    def test_says_what_it_says(self, compact: str, key: dict[str, Any]) -> None:
        assert JOE_SAYS == signed_claims(compact, set_of(key))

    def test_of_rfc_8037_is_signed_with_ed25519(self) -> None:
        assert b"Example of Ed25519 signing" == signed_payload(ED, set_of(ED_KEY))

    def test_of_the_cookbook_names_its_key(self) -> None:
        assert "dangerous business, Frodo" in signed_payload(COOKBOOK, set_of(COOKBOOK_KEY)).decode()

    @pytest.mark.parametrize("compact", [HMAC, UNSECURED], ids=["RFC 7519 3.1", "RFC 7519 6.1"])
    def test_without_a_private_key_is_not_believed(self, compact: str) -> None:
        with pytest.raises(TokenInvalid):
            signed_claims(compact, ALL)

    def test_of_half_a_hash_is_openid_connects(self) -> None:
        # OpenID Connect Core 1.0, appendix A.3
        assert "77QmUPtjPfzWtF2AnpK9RQ" == half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", "RS256")


class TestToken:
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_that_is_right_says_who(self, algorithm: str) -> None:
        assert "usr_1" == verify(token(algorithm), ALL, EXPECTED, now=NOW)["sub"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"iss": "https://other.example"},
            {"iss": None},
            {"aud": "https://other.example"},
            {"aud": None},
            {"aud": [1]},
            {"aud": []},
            {"sub": None},
            {"sub": 7},
            {"exp": None},
            {"exp": "tomorrow"},
            {"exp": True},
            {"exp": int(NOW.timestamp()) - 31},
            {"exp": 1e400},
            {"nbf": int(NOW.timestamp()) + 31},
            {"iat": int(NOW.timestamp()) + 31},
            {"kind": "JWT"},
            {"kind": ""},
            {"kid": "somebody's"},
            {"kid": "ES256"},
        ],
        ids=str,
    )
    def test_that_is_wrong_in_one_thing_is_not_believed(self, changes: dict[str, Any]) -> None:
        with pytest.raises(TokenInvalid):
            verify(token(**changes), ALL, EXPECTED, now=NOW)

    @pytest.mark.parametrize("claim", ["nbf", "iat"])
    def test_may_come_from_a_clock_that_is_a_little_off(self, claim: str) -> None:
        ahead = int((NOW + CLOCK_SKEW).timestamp())

        assert verify(token(**cast("Any", {claim: ahead})), ALL, EXPECTED, now=NOW)
        assert verify(token(exp=int((NOW - CLOCK_SKEW + timedelta(seconds=1)).timestamp())), ALL, EXPECTED, now=NOW)

    @pytest.mark.parametrize(
        "header",
        [
            {"alg": "none", "kid": "EdDSA", "typ": "at+jwt"},
            {"alg": "HS256", "kid": "EdDSA", "typ": "at+jwt"},
            {"alg": "ES256", "kid": "EdDSA", "typ": "at+jwt"},
            {"alg": ["EdDSA"], "kid": "EdDSA", "typ": "at+jwt"},
            {"alg": "EdDSA", "kid": 7, "typ": "at+jwt"},
            {"alg": "EdDSA", "kid": "EdDSA", "typ": "at+jwt", "crit": ["exp"], "exp": 1},
            {"alg": "EdDSA", "kid": "EdDSA", "typ": "at+jwt", "b64": False, "crit": ["b64"]},
            {"kid": "EdDSA", "typ": "at+jwt"},
            [],
        ],
        ids=str,
    )
    def test_cannot_choose_how_it_is_verified(self, header: Any) -> None:
        told = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
        forged = ".".join([told, *token().split(".")[1:]])

        with pytest.raises(TokenInvalid):
            verify(forged, ALL, EXPECTED, now=NOW)

    @pytest.mark.parametrize("part", [0, 1, 2])
    def test_with_one_character_changed_is_not_believed(self, part: int) -> None:
        parts = token("ES256").split(".")
        middle = len(parts[part]) // 2
        parts[part] = parts[part][:middle] + ("A" if parts[part][middle] != "A" else "B") + parts[part][middle + 1 :]

        with pytest.raises(TokenInvalid):
            verify(".".join(parts), ALL, EXPECTED, now=NOW)

    @given(
        st.one_of(
            st.text(max_size=200), st.from_regex(r"[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,80}")
        )
    )
    def test_that_is_nonsense_has_a_named_error(self, nonsense: str) -> None:
        with pytest.raises(TokenInvalid):
            verify(nonsense, ALL, EXPECTED, now=NOW)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(),
            lambda of: st.lists(of) | st.dictionaries(st.text(), of),
        )
    )
    def test_with_any_claims_has_a_named_error_or_says_who(self, said: Any) -> None:
        for name in ("iss", "aud", "sub", "exp", "nbf", "iat"):
            try:
                sub = verify(token(**cast("Any", {name: said})), ALL, EXPECTED, now=NOW)["sub"]
            except TokenInvalid:
                continue
            assert isinstance(sub, str)


class TestKeySet:
    @pytest.mark.parametrize(
        ("entry", "words"),
        [
            (public("EdDSA", use="enc"), "use"),
            (public("EdDSA", key_ops=["sign"]), "key_ops"),
            (public("EdDSA", key_ops="verify"), "key_ops"),
            (public("EdDSA", alg="ES256"), "alg"),
            (public("RS256", alg="PS256"), "alg"),
            (public("EdDSA", kid=7), "kid"),
            (public("EdDSA", x="AAAA"), "numbers"),
            (public("ES256", x=public("ES256")["y"]), "numbers"),
            (KEYS["EdDSA"].as_dict(private=True), "private"),
            ({"kty": "oct", "k": "c2VjcmV0"}, "private"),
            ({"kty": "EC", "crv": "P-384", "x": "", "y": ""}, "none of"),
            ({"kty": ["EC"]}, "none of"),
            (7, "no JSON object"),
        ],
        ids=range(13),
    )
    def test_keeps_no_key_that_is_not_for_this(self, entry: Any, words: str) -> None:
        with pytest.raises(ValueError, match=words):
            read_keys({"keys": [entry]})
        assert () == usable_keys({"keys": [entry]}).keys

    @pytest.mark.filterwarnings("ignore:Key size should be >= 2048 bits")
    def test_keeps_no_small_rsa_key(self) -> None:
        small = RSAKey.generate_key(1024).as_dict(private=False)

        with pytest.raises(ValueError, match="2048"):
            read_keys({"keys": [small]})

    @pytest.mark.parametrize(
        "document", [{}, {"keys": []}, {"keys": "none"}, {"keys": [public("EdDSA")] * 2}], ids=range(4)
    )
    def test_is_a_list_of_keys_with_a_name_each(self, document: dict[str, Any]) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - each has words of its own
            read_keys(document)

    def test_of_somebody_else_may_have_other_keys_as_well(self) -> None:
        theirs = {"keys": [public("ES256"), public("RS256", use="enc"), {"kty": "oct", "k": ""}]}

        assert ["ES256"] == [key.kid for key in usable_keys(theirs).keys]
