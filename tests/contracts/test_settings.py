"""Settings: documented, described, checked by name, and the only HARBORGRID_ words there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import pytest

from adapters.settings import BadConfiguration, Settings, load_settings
from cli.documents import settings_document

ROOT = Path(__file__).parents[2]
PRODUCT = ("domain", "analytics", "activities", "workflows", "adapters", "api", "worker", "cli")
FIELDS = Settings.model_fields

OTHER_WORDS = {
    "HARBORGRID_API_KEY": "an option of `harborgrid onboard` and `harborgrid events`",
    "HARBORGRID_SOAK": "read by tests/e2e/test_chaos.py; set by `make soak`",
    "HARBORGRID_EVENTS": "the name of the NATS stream",
}

WRONG = {int: "many", float: "a while", bool: "perhaps"}


def _wrong_values() -> Iterator[tuple[str, str]]:
    """A value that each setting of a checked kind must refuse."""
    for name, field in FIELDS.items():
        if field.annotation in WRONG:
            yield name, WRONG[field.annotation]
        elif isinstance(field.annotation, type) and issubclass(field.annotation, Enum):
            yield name, "pigeon"
        elif field.metadata:
            yield name, "\N{SNOWMAN}"


WRONG_VALUES = list(_wrong_values())


def words_in(path: Path) -> set[str]:
    """Every HARBORGRID_ word in a file."""
    return set(re.findall(r"\bHARBORGRID_[A-Z][A-Z0-9_]*[A-Z0-9]\b", path.read_text(encoding="utf-8")))


def readers() -> Iterator[Path]:
    """Files that name settings: documents, deployment, and the product's own hints."""
    yield from (ROOT / name for name in ("README.md", "CHANGELOG.md", "Makefile", "Dockerfile", "docker-compose.yml"))
    for folder in ("docs", "deploy", *PRODUCT):
        yield from (
            path
            for path in sorted((ROOT / folder).rglob("*"))
            if path.is_file() and path.suffix not in {".pyc", ".json"}
        )


class TestSettingsDocument:
    def test_is_what_the_code_says(self) -> None:
        assert settings_document() == (ROOT / "docs" / "settings.md").read_text()

    @pytest.mark.parametrize("name", FIELDS)
    def test_describes_every_setting_in_a_sentence(self, name: str) -> None:
        described = FIELDS[name].description or ""

        assert described.endswith((".", "`."))
        assert "|" not in described


class TestSetting:
    @pytest.mark.parametrize(("name", "value"), WRONG_VALUES, ids=[name for name, _ in WRONG_VALUES])
    def test_refuses_a_wrong_value_by_its_name(self, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
        monkeypatch.setenv(f"HARBORGRID_{name.upper()}", value)

        with pytest.raises(BadConfiguration, match=f"^HARBORGRID_{name.upper()}: "):
            load_settings()

    def test_refuses_all_wrong_values_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HARBORGRID_API_PORT", "eighty")
        monkeypatch.setenv("HARBORGRID_LOG_LEVEL", "LOUD")

        with pytest.raises(BadConfiguration) as refusal:
            load_settings()

        assert ["HARBORGRID_API_PORT", "HARBORGRID_LOG_LEVEL"] == [
            line.partition(":")[0] for line in str(refusal.value).splitlines()
        ]

    def test_set_to_nothing_keeps_its_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HARBORGRID_API_PORT", "")

        assert FIELDS["api_port"].default == load_settings().api_port

    @pytest.mark.parametrize("name", FIELDS)
    def test_is_read_by_the_product(self, name: str) -> None:
        sources = (path for layer in PRODUCT for path in (ROOT / layer).rglob("*.py"))

        assert any(f".{name}" in path.read_text() for path in sources)


class TestWord:
    def test_that_begins_like_a_setting_is_one(self) -> None:
        known = {*OTHER_WORDS, *(f"HARBORGRID_{name.upper()}" for name in FIELDS)}

        assert [] == [
            (str(path.relative_to(ROOT)), word) for path in readers() for word in sorted(words_in(path) - known)
        ]

    @pytest.mark.parametrize("word", OTHER_WORDS)
    def test_that_is_none_is_still_used(self, word: str) -> None:
        tests = (ROOT / "tests").rglob("test_chaos.py")

        assert any(word in words_in(path) for path in (*readers(), *tests))
