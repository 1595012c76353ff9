"""The clock, the source of ids and the folder of offloaded payloads."""
