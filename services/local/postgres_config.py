"""What the local PostgreSQL is told: loopback only, durable, and tuned for many small upserts."""

from services.local.ports import LOOPBACK

#: fsync and synchronous_commit stay on: what a kill -9 must not lose locally must not be lost at all.
#: Checkpoints are far apart because each makes the next change of every page write the whole page
#: (research of the write path: 8 GB of WAL, 15 minutes).
_SETTINGS = {
    "listen_addresses": f"'{LOOPBACK}'",
    "unix_socket_directories": "''",
    "password_encryption": "'scram-sha-256'",
    "max_connections": "200",
    "shared_buffers": "'256MB'",
    "work_mem": "'16MB'",
    "maintenance_work_mem": "'128MB'",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_compression": "on",
    "max_wal_size": "'8GB'",
    "checkpoint_timeout": "'15min'",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_line_prefix": "'%m [%p] %u@%d '",
    "lc_messages": "'C'",
}


def postgresql_conf(port: int) -> str:
    """The whole configuration file, for a server on *port*."""
    lines = {"port": str(port), **_SETTINGS}
    return "# Written at every start of the local stack; changes made here are lost.\n" + "".join(
        f"{name} = {value}\n" for name, value in lines.items()
    )
