"""A web live chat on Comet: held requests, numbered feeds, and a doorbell that may break.

Read the packages from the outside in: `workers` (processes) → `webchat.app` (routes) → `webchat.web`
(HTTP) → `webchat.logic` (decisions) → `webchat.data` (what outlives a request) → `webchat.entities`.
"""

__version__ = "0.1.0"
