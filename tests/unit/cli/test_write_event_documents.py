"""Writing the event documents: the same every time, and never over a released schema."""

import json
from pathlib import Path

import pytest

from cli.documents import ReleasedSchemaChanged, write_event_documents
from domain.catalogue import CATALOGUE

PAID = "docs/events/schemas/billing.invoice.paid/1.0.0.json"


def contents(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


class TestWriteEventDocuments:
    def test_writes_what_it_says(self, tmp_path: Path) -> None:
        written = write_event_documents(tmp_path)

        assert {str(path.relative_to(tmp_path)) for path in written} == contents(tmp_path).keys()
        assert {PAID, "docs/events/asyncapi.json", "docs/events/README.md"} <= contents(tmp_path).keys()

    def test_writes_the_same_when_asked_again(self, tmp_path: Path) -> None:
        write_event_documents(tmp_path)
        first = contents(tmp_path)

        write_event_documents(tmp_path)

        assert first == contents(tmp_path)

    def test_keeps_the_schemas_of_older_versions(self, tmp_path: Path) -> None:
        older = tmp_path / "docs/events/schemas/billing.invoice.paid/0.9.0.json"
        older.parent.mkdir(parents=True)
        older.write_text("{}")

        write_event_documents(tmp_path)

        assert older.read_text() == "{}"

    def test_refuses_to_change_a_released_schema_and_writes_nothing(self, tmp_path: Path) -> None:
        write_event_documents(tmp_path)
        released = {**json.loads((tmp_path / PAID).read_text()), "required": []}
        (tmp_path / PAID).write_text(json.dumps(released))
        (tmp_path / "docs/events/README.md").unlink()

        with pytest.raises(ReleasedSchemaChanged, match=r"billing\.invoice\.paid/1\.0\.0\.json"):
            write_event_documents(tmp_path)

        assert released == json.loads((tmp_path / PAID).read_text())
        assert not (tmp_path / "docs/events/README.md").exists()

    def test_lists_every_type_once(self, tmp_path: Path) -> None:
        write_event_documents(tmp_path)

        table = (tmp_path / "docs/events/README.md").read_text().splitlines()

        assert all(sum(line.startswith(f"| `{cls.about.type}`") for line in table) == 1 for cls in CATALOGUE)
