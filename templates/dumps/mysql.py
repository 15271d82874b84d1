SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")
CLIENT = (
    "mysql", "--defaults-file=/etc/mysql/debian.cnf", "--default-character-set=utf8mb4", "--max-allowed-packet=1G",
    "--batch",
)
SYSTEM_LIST = ", ".join(f"'{name}'" for name in SYSTEM)

Table = tuple[str, str]
"""Database and table."""


class Failed(Exception):
    """What went wrong, in a line."""


def ask(sql: str, *, force: bool = False) -> list[list[str]]:
    """The rows that a query gives; with `force`, of those statements that succeed."""
    command = [*CLIENT, "--skip-column-names", "--raw", *(["--force"] if force else [])]
    done = subprocess.run(command, input=sql.encode(), capture_output=True, check=False)
    said = done.stderr.decode("utf-8", "replace").strip()
    if force:
        print(said, end="\n" if said else "", file=sys.stderr)
    elif done.returncode != 0:
        raise Failed(f"mysql: {(said.splitlines() or [f'exit {done.returncode}'])[-1]}")
    return [line.split("\t") for line in done.stdout.decode("utf-8", "replace").splitlines()]


def digest(path: Path) -> str:
    """A file's sha256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def name_of(digits: str) -> str:
    """A name that was asked for as HEX, since it may hold anything."""
    return bytes.fromhex(digits).decode()


def quoted(name: str) -> str:
    """A name in a statement."""
    return "`" + name.replace("`", "``") + "`"


def databases() -> list[str]:
    """All but the server's own."""
    found = ask(f"SELECT HEX(schema_name) FROM information_schema.schemata WHERE schema_name NOT IN ({SYSTEM_LIST})")
    return sorted(name_of(row[0]) for row in found)


def tables() -> dict[Table, str]:
    """The tables that hold rows of their own, and when each was last written to, as far as the server knows."""
    rows = ask(
        "/*!80000 SET SESSION information_schema_stats_expiry = 0 */;\n"
        "SELECT HEX(table_schema), HEX(table_name), IFNULL(update_time, '') FROM information_schema.tables"
        " WHERE table_type = 'BASE TABLE' AND engine NOT IN ('BLACKHOLE', 'FEDERATED', 'MRG_MyISAM')"
        f" AND table_schema NOT IN ({SYSTEM_LIST})"
    )
    return {(name_of(database), name_of(table)): written for database, table, written in rows}


def counts(of: Iterable[Table]) -> dict[Table, int]:
    """How many rows tables have; one that is gone is left out."""
    statements = (
        f"SELECT '{database.encode().hex()}', '{table.encode().hex()}', COUNT(*)"
        f" FROM {quoted(database)}.{quoted(table)};\n"
        for database, table in of
    )
    found = ask("".join(statements), force=True)
    return {(name_of(database), name_of(table)): int(count) for database, table, count in found}
