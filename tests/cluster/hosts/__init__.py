"""Several hosts on one machine, each in a network namespace of its own, and the whole chat on them.

10.77.0.1       the clients: this process, and the bridge
10.77.0.2       nginx, with the configuration of `deploy/`
10.77.0.3       PostgreSQL
10.77.0.4       a Valkey Cluster: three masters, a replica of each
10.77.0.11 …    the nodes, one on each host: `webchat serve`
"""
