"""`python -m tests.load.users`: the command without `./chat`. It sees to it that gevent patches its process."""

from tests.load.users import users

if __name__ == "__main__":
    users(prog_name="./chat load users")
