"""Throw-away PostgreSQL clusters: of an installation on this host, or of one inside a chroot.

The servers listen on a Unix socket in the cluster's folder only, and run as user postgres when started by root (they
refuse to run as root). SETTINGS is what every figure is measured under that does not say otherwise.
"""
import glob
import os
import shutil
import subprocess
import sys

SETTINGS = {
    # Everything is cached: the figures compare indexes, not disks.
    "shared_buffers": "2GB",
    # Enough for either index to be built in memory.
    "maintenance_work_mem": "1GB",
    "max_parallel_maintenance_workers": "2",
    # One backend answers a query alone; plans do not depend on the machine's size or on compilation.
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    # Nothing in the background while the clock runs.
    "autovacuum": "off",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    # Loading is not what is measured; CREATE INDEX writes its WAL as any server with replicas does.
    "synchronous_commit": "off",
    "wal_level": "replica",
    # No /dev/shm is needed (a chroot may have none).
    "dynamic_shared_memory_type": "sysv",
    "listen_addresses": "''",
    "unix_socket_permissions": "0777",
}
SOCKET_PATH_LIMIT = 107


class Server:
    """A cluster under `folder`. `where` is a pg_config, or the root folder of a chroot with a Debian PostgreSQL."""

    def __init__(self, where, folder=None):
        self.root = ""
        self.enter = []
        if os.path.isdir(where):
            self.root = os.path.abspath(where)
            self.enter = ["chroot", self.root]
            found = sorted(glob.glob(self.root + "/usr/lib/postgresql/*/bin/postgres"))
            if not found:
                sys.exit(f"{where} has no PostgreSQL under usr/lib/postgresql")
            self.bin = os.path.dirname(found[-1])[len(self.root):]
        else:
            self.bin = subprocess.run([where, "--bindir"], check=True, text=True,
                                      stdout=subprocess.PIPE).stdout.strip()
        self.folder = folder or self.root + "/var/tmp/vecidx-bench"
        if not self.folder.startswith(self.root):
            sys.exit(f"{self.folder} is not inside {self.root}, so a server there cannot see it")
        if len(self.folder + "/.s.PGSQL.5432") > SOCKET_PATH_LIMIT:
            sys.exit(f"{self.folder} is too long a path for a socket; choose another with --cluster")
        self.data = os.path.join(self.folder, "data")
        self.settings = dict(SETTINGS)

    def inside(self, path):
        """The path as the server sees it."""
        return path[len(self.root):]

    def as_postgres(self, *command):
        """Runs a program of the installation as the user that owns the cluster."""
        user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        run = subprocess.run([*self.enter, *user, self.bin + "/" + command[0], *command[1:]], text=True, cwd="/",
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if run.returncode != 0:
            sys.exit(f"{' '.join(command)} failed:\n{run.stdout}")
        return run.stdout

    def start(self):
        """Starts the cluster; makes it first when there is none."""
        if not os.path.exists(os.path.join(self.data, "PG_VERSION")):
            os.makedirs(self.folder)
            if os.geteuid() == 0:
                subprocess.run([*self.enter, "chown", "postgres:", self.inside(self.folder)], check=True)
            self.as_postgres("initdb", "-D", self.inside(self.data), "-U", "postgres", "-A", "trust", "--no-sync",
                             "-E", "UTF8", "--locale=C")
        with open(os.path.join(self.data, "postgresql.auto.conf"), "w") as conf:
            conf.writelines(f"{name} = {value}\n" for name, value in self.settings.items())
            conf.write(f"unix_socket_directories = '{self.inside(self.folder)}'\n")
        self.as_postgres("pg_ctl", "-D", self.inside(self.data), "-w", "-t", "120",
                         "-l", self.inside(self.folder) + "/log", "start")

    def stop(self):
        self.as_postgres("pg_ctl", "-D", self.inside(self.data), "-m", "fast", "-w", "-t", "120", "stop")

    def remove(self):
        shutil.rmtree(self.folder)

    def conninfo(self, database):
        """For clients on this host, outside the chroot."""
        return f"host={self.folder} user=postgres dbname={database}"

    def sql(self, database, command):
        """Output of one command, unaligned, without headings."""
        return self.as_postgres("psql", "-h", self.inside(self.folder), "-U", "postgres", "-d", database, "-X", "-qAt",
                                "-v", "ON_ERROR_STOP=1", "-c", command).strip()
