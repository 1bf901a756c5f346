"""ADMIN: the operator's commands, on a running server or a stopped one. Each act goes into the audit."""
