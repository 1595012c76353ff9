"""Single fields: encrypted for one purpose of one tenant, found by a blind index, shown in part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.ids import TenantId
from domain.security.envelope import Cipher, key_id_of
from domain.security.errors import DataKeyNotFound, Undecipherable
from domain.security.fields import Fields
from domain.security.ids import DataKeyId
from domain.security.masking import Mask, masked

OLD, NEW = DataKeyId.numbered(1), DataKeyId.numbered(2)
KEYS: dict[str, bytes] = {OLD: b"o" * 32, NEW: b"n" * 32}
TENANT, OTHER = TenantId.numbered(1), TenantId.numbered(2)
NONCE = b"twelve bytes"


def fields(tenant: TenantId = TENANT, active: str = NEW, keys: dict[str, bytes] | None = None) -> Fields:
    return Fields(tenant, Cipher(active, dict(keys or KEYS)), b"s" * 32)


class TestField:
    @given(st.text(max_size=200))
    def test_opens_as_what_it_was(self, plain: str) -> None:
        assert plain == fields().decrypt(fields().encrypt(plain, "p", nonce=NONCE), "p")

    def test_does_not_open_for_another_purpose_or_tenant(self) -> None:
        sealed = fields().encrypt("4242", "billing.card", nonce=NONCE)

        with pytest.raises(Undecipherable):
            fields().decrypt(sealed, "billing.iban")
        with pytest.raises(Undecipherable):
            fields(OTHER).decrypt(sealed, "billing.card")

    def test_of_a_key_that_is_not_there_is_named(self) -> None:
        sealed = fields().encrypt("4242", "p", nonce=NONCE)

        with pytest.raises(DataKeyNotFound) as refusal:
            fields(active=OLD, keys={OLD: KEYS[OLD]}).decrypt(sealed, "p")

        assert refusal.value.details == {"data_key_id": NEW}

    @given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
    def test_that_was_changed_does_not_open(self, place: int, by: int) -> None:
        sealed = fields().cipher.seal(b"plain", nonce=NONCE, context=b"c")
        place %= len(sealed)
        changed = sealed[:place] + bytes([sealed[place] ^ by]) + sealed[place + 1 :]

        with pytest.raises((Undecipherable, DataKeyNotFound)):
            fields().cipher.unseal(changed, context=b"c")

    @pytest.mark.parametrize("text", ["", "hgf1.", "hgf1.é", "hgf1.AAAA", "4242", "hgf1." + "A" * 80, "hgf2.ZGVr"])
    def test_that_is_none_is_refused(self, text: str) -> None:
        with pytest.raises(Undecipherable):
            fields().decrypt(text, "p")

    def test_comes_under_the_active_key_and_stays_what_it_is(self) -> None:
        before = fields(active=OLD).encrypt("4242", "p", nonce=NONCE)

        after = fields().rewrapped(before, "p", nonce=NONCE)

        assert fields(active=OLD, keys={NEW: KEYS[NEW]}).decrypt(after, "p") == "4242"
        assert after == fields().rewrapped(after, "p", nonce=b"another one.")
        with pytest.raises(Undecipherable):
            fields().rewrapped(after, "q", nonce=NONCE)

    def test_is_found_by_its_index_whatever_the_key(self) -> None:
        index = fields().index("ada@example.com", "crm.email")

        assert index == fields(active=OLD).index("ada@example.com", "crm.email")
        others = {
            fields().index("eve@example.com", "crm.email"),
            fields().index("ada@example.com", "crm.backup_email"),
            fields(OTHER).index("ada@example.com", "crm.email"),
        }
        assert index not in others
        assert 3 == len(others)
        assert 32 == len(index)

    def test_says_which_key_it_is_under(self) -> None:
        assert NEW == key_id_of(fields().cipher.seal(b"", nonce=NONCE, context=b""))


class TestMask:
    @pytest.mark.parametrize(
        ("kind", "value", "shown"),
        [
            (Mask.CARD, "4242 4242 4242 4242", "424242••••••4242"),
            (Mask.CARD, "3782-822463-10005", "378282•••••0005"),
            (Mask.CARD, "6759649826438", "•••••••••6438"),
            (Mask.IBAN, "DE89 3704 0044 0532 0130 00", "DE89••••••••••••••3000"),
            (Mask.EMAIL, "ada@example.com", "a•••••••@example.com"),
            (Mask.PHONE, "+44 20 7946 0958", "••••••••••58"),
            (Mask.NAME, "Ada King Lovelace", "A. K. L."),
            (Mask.DATE, "1815-12-10", "1815-••-••"),
            (Mask.DATE, "1815-12-10T09:00:00Z", "1815-••-••"),
            (Mask.IP, "192.0.2.77", "192.0.2.0/24"),
            (Mask.IP, "2001:db8:1:2::7", "2001:db8:1::/48"),
            (Mask.ALL, "anything", "••••••••"),
        ],
    )
    def test_shows_what_may_be_seen(self, kind: Mask, value: str, shown: str) -> None:
        assert shown == masked(value, kind)

    @pytest.mark.parametrize("kind", [kind for kind in Mask if kind is not Mask.NAME])
    @pytest.mark.parametrize("value", ["", "x", "a secret", "@", "42", "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢"])
    def test_hides_what_is_not_of_its_kind(self, kind: Mask, value: str) -> None:
        assert "••••••••" == masked(value, kind)

    @given(st.text(alphabet="0123456789", min_size=12, max_size=19))
    def test_never_shows_more_of_a_card_than_pci_dss_allows(self, digits: str) -> None:
        assert sum(character.isdigit() for character in masked(digits, Mask.CARD)) <= 10
