"""`webchat top`: nodes at work, live in the terminal, from their `/metrics`."""
