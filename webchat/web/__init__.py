"""WEB SERVICE: Falcon resources. Each reads the request, calls one service, fills the answer."""
