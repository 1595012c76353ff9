"""The harborgrid command."""
