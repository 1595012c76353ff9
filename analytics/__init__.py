"""The numbers: the lake's layout and DuckDB sessions."""
