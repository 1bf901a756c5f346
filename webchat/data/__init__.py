"""DATA: what outlives a request: tables, store (reads), transaction and committer (writes), bus (the doorbell)."""
