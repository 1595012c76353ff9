"""Ids of compression."""

from domain.kernel.ids import Id


class CompressionId(Id, prefix="cmp"):
    """One piece of content being compressed."""


class DictionaryId(Id, prefix="dic"):
    """A trained compression dictionary."""
