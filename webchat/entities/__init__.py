"""ENTITY: plain typed data. No I/O, no clock, no imports from the tiers above.

These structs are the wire format too: what `docs` and `/api/openapi.json` describe is what is encoded.
"""
