"""The processes of a node: the launcher and what it keeps alive (Valkey, gunicorn), and the comet worker.

Kept empty of imports: gunicorn's master imports `workers.comet` before anything may be monkey-patched.
"""
