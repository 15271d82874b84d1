def take_identity() -> None:
    """Take over what this machine is: off EC2, that says where its AWS credentials are. A region is no default."""
    identity = Path("/etc/managed-server/identity")
    for line in identity.read_text(encoding="ascii").splitlines() if identity.exists() else ():
        name, _, value = line.partition("=")
        if not name.endswith("REGION"):
            os.environ.setdefault(name, value)
