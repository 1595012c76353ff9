"""What a password must be (NIST SP 800-63B-4, section 3.1.1): long, and hard to guess; no recipes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from zxcvbn import zxcvbn

from domain.security.people_errors import PasswordTooWeak

SHORTEST, LONGEST = 10, 256
_ENOUGH = 3
# So much is estimated: 24 characters that are easy to guess are easy enough, and the time grows with the cube.
_ESTIMATED = 24


def normalised(password: str) -> str:
    """The same characters, however the keyboard composed them (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def refuse_weak(password: str, *, known: Iterable[str]) -> None:
    """Raises PasswordTooWeak, with what would help.

    known: what a guesser tries first, such as the person's name. Takes some milliseconds of computing.
    """
    if len(password) < SHORTEST:
        raise PasswordTooWeak(f"a password has at least {SHORTEST} characters", suggestions=["Use a few words."])
    words = {part for text in known for part in (text, *text.replace("@", " ").replace(".", " ").split()) if part}
    estimate = zxcvbn(password[:_ESTIMATED], user_inputs=sorted(words))
    if estimate["score"] < _ENOUGH:
        told = estimate["feedback"]
        raise PasswordTooWeak(told["warning"] or None, suggestions=told["suggestions"])
