"""The proxies of `tests/deploy`: the doctor looks through them."""

from __future__ import annotations

from tests.deploy.conftest import certificate, kind, proxy

__all__ = ["certificate", "kind", "proxy"]
