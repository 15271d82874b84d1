"""Where things lie in a customer's delivery bucket."""


def bundle_key(server: str, sha256: str) -> str:
    """Return the key of a server's bundle."""
    return f"bundles/{server}/{sha256}.tar"


def pointer_key(server: str) -> str:
    """Return the key of the small object that says which bundle a server must have."""
    return f"servers/{server}/current.json"


def peers_key(server: str) -> str:
    """Return the key of the small object that says where a server's peers are."""
    return f"servers/{server}/peers.json"
