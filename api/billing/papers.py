"""Answers that are files: a document on paper, or its data as EN 16931 has it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from domain.billing.e_invoicing import Syntax

PDF: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "In the customer's language. What is final carries its data (Factur-X) if EN 16931 can say it.",
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
    }
}
XML: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "EN 16931 in the syntax that was asked for.",
        "content": {"application/xml": {"schema": {"type": "string"}}},
    }
}
WantedSyntax = Annotated[
    Syntax, Query(description="`cii` is UN/CEFACT Cross Industry Invoice, `ubl` is OASIS UBL 2.1.", examples=["ubl"])
]


def pdf(document: bytes, name: str) -> Response:
    """To be shown."""
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"', "Cache-Control": "no-store"}
    return Response(document, media_type="application/pdf", headers=headers)


def xml(document: bytes, name: str) -> Response:
    """To be kept."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.xml"', "Cache-Control": "no-store"}
    return Response(document, media_type="application/xml", headers=headers)
