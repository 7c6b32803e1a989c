"""What is compared: each system's extension, index definition, dial and the settings swept, and where it stores rows.

Both extensions name their type `vector`, so every system has a database of its own, in the same cluster.
"""
import dataclasses
import json

import build

OPS = {"l2": "vector_l2_ops", "cosine": "vector_cosine_ops", "ip": "vector_ip_ops"}
OPERATORS = {"l2": "<->", "cosine": "<=>", "ip": "<#>"}


@dataclasses.dataclass
class System:
    """One line of the comparison."""
    name: str
    extension: str
    index: str
    dial: str
    values: tuple
    storage: str = "default"
    settings: tuple = ()

    def database(self, set_name):
        return f"{set_name}_{self.name}"


RECALLS = ("0.8", "0.9", "0.95", "0.98", "0.99", "1")
EFS = ("10", "20", "40", "80", "120", "200", "400", "800")
HNSW = "USING hnsw (v {ops}) WITH (m = 16, ef_construction = 64)"

SYSTEMS = {
    s.name: s for s in (
        System("vecidx", "vecidx", "USING vecidx (v {ops})", "vecidx.recall", RECALLS),
        System("vecidx_plain", "vecidx", "USING vecidx (v {ops})", "vecidx.recall", RECALLS, storage="plain"),
        # On small tables the planner rightly prefers a sequential scan at the highest settings; the curve needs them.
        System("pgvector", "vector", HNSW, "hnsw.ef_search", EFS, settings=("enable_seqscan=off",)),
    )
}


def available(server, system):
    """Whether the server has the system's extension installed."""
    return server.sql("postgres", f"SELECT count(*) FROM pg_available_extensions WHERE name = '{system.extension}'") == "1"


def prepare(server, system, data_set, prefix, rebuild):
    """Loads and builds unless that was done before; returns what it took, kept as the database's comment."""
    database = system.database(data_set["name"])
    known = server.sql("postgres", "SELECT shobj_description(oid, 'pg_database') FROM pg_database "
                                   f"WHERE datname = '{database}'")
    if known and not rebuild:
        return json.loads(known)
    server.sql("postgres", f"DROP DATABASE IF EXISTS {database}")
    server.sql("postgres", f"CREATE DATABASE {database}")
    conninfo = server.conninfo(database)
    facts = json.loads(build.call("load", "-d", conninfo, "table", system.extension, prefix + "_base.f32",
                                  data_set["dim"], system.storage))
    facts["index"] = system.index.format(ops=OPS[data_set["distance"]])
    facts.update(json.loads(build.call("load", "-d", conninfo, "index", facts["index"])))
    facts["version"] = server.sql(database, f"SELECT extversion FROM pg_extension WHERE extname = '{system.extension}'")
    facts["storage"] = system.storage
    server.sql("postgres", f"COMMENT ON DATABASE {database} IS $${json.dumps(facts)}$$")
    return facts


def warm(server, system, data_set):
    """Reads the table, its index and its TOAST table into shared buffers."""
    server.sql(system.database(data_set["name"]),
               "CREATE EXTENSION IF NOT EXISTS pg_prewarm; SELECT sum(pg_prewarm(r)) FROM (SELECT 'items'::regclass "
               "UNION SELECT indexrelid FROM pg_index WHERE indrelid = 'items'::regclass UNION SELECT reltoastrelid "
               "FROM pg_class WHERE oid = 'items'::regclass AND reltoastrelid <> 0) x(r)")
