"""Bring the database up to date before any worker starts, in a process of its own that ends at once.

So the launcher stays small and has one thread (which its children's safety rests on, see
`workers.processes`), and the workers find the database ready. Prints one JSON object:
`{"accounts": [[name, password], …]}` (the demo accounts, if there are any) or `{"error": "one line"}`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from webchat.errors import SetupError
from webchat.settings import PROJECT, Settings
from workers.processes import spawn


def prepare(settings: Settings, environ: dict[str, str]) -> list[tuple[str, str]]:
    """Run the preparation; returns the demo accounts to tell of. Raises SetupError with the child's line."""
    child = spawn([sys.executable, "-m", __name__], environ=environ, cwd=PROJECT, stdout=subprocess.PIPE)
    try:
        said = json.loads(child.communicate()[0])
    except ValueError:
        raise SetupError(f"the database in {settings.folder} could not be prepared; see above") from None
    finally:
        child.kill()
        child.wait()
    if error := said.get("error"):
        raise SetupError(error)
    return [(name, password) for name, password in said["accounts"]]


def main() -> int:
    from webchat.data import database, demo
    from webchat.redis_url import without_password

    settings = Settings.load()
    try:
        Path(settings.data).mkdir(parents=True, exist_ok=True)
        database.prepare(settings)
        if not database.is_postgres(settings) and not settings.redis_url.startswith("unix:"):
            from webchat.data import one_host  # 0.15 s that nobody pays who uses the bundled Valkey

            one_host.refuse_a_second(settings.redis_url, without_password(settings.redis_url))
        accounts = list(demo.ACCOUNTS) if demo.ensure(settings) else []
    except SetupError as error:
        print(json.dumps({"error": error.detail}))
        return 3
    print(json.dumps({"accounts": accounts}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
