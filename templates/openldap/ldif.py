CONFIG = "/etc/ldap/slapd.conf"


class Failed(Exception):
    """What went wrong, in a line."""


def digest(path: Path) -> str:
    """A file's sha256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def entries_of(path: Path) -> int:
    """How many entries a dump has. Read to its end, so that a broken one is found."""
    found, first = 0, None
    with gzip.open(path) as file:
        for line in file:
            if line.startswith((b"dn: ", b"dn:: ")):
                found += 1
                first = first or line
    if first is None or first.strip().decode().lower() != f"dn: {SUFFIX}":
        raise Failed(f"the dump doesn't begin with {SUFFIX}")
    return found


def count() -> int:
    """How many entries the directory has, as it says itself."""
    command = ["ldapsearch", "-Q", "-LLL", "-Y", "EXTERNAL", "-H", "ldapi:///", "-E", "pr=500/noprompt", "-b", SUFFIX]
    done = subprocess.run([*command, "(objectClass=*)", "1.1"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"ldapsearch: {(done.stderr.strip().splitlines() or [f'exit {done.returncode}'])[-1]}")
    return sum(line.startswith(("dn: ", "dn:: ")) for line in done.stdout.splitlines())
