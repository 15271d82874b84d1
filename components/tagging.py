"""Names and tags of resources."""


def named(name: str, **more: str) -> dict[str, str]:
    """Return a resource's own tags; the provider adds customer, stack and managed-by.

    ``Name`` is the resource's name in the stack, and so unique: recovery after a killed run finds it by that.
    """
    return {"Name": name, **{key.replace("_", "-"): value for key, value in more.items()}}
