"""gunicorn's own log lines in our format; its access log stays off unless it is configured.

A `logconfig_dict` would do the first, but switches the access log on, at a cost for every request.
"""

from __future__ import annotations

import os

from gunicorn.config import Config
from gunicorn.glogging import Logger

from workers.logs import formatter


class NodeLogger(Logger):  # type: ignore[misc]  # gunicorn is untyped
    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        ours = formatter(os.environ.get("WEBCHAT_LOG_FORMAT", "auto"))
        for handler in self.error_log.handlers:
            handler.setFormatter(ours)
