"""What a server runs at its first boot."""

from pathlib import Path

from managed_server.delivery_keys import bundle_key, pointer_key
from managed_server.rendering import render
from managed_server.spec import CustomerSpec, ServerSpec

_LIMIT = 16_384
"""Bytes (EC2 user guide, user data)."""


class UserDataError(ValueError):
    """The rendered user data is larger than EC2 takes."""


def user_data(templates: Path, customer: CustomerSpec, server: ServerSpec) -> str:
    """Return a server's user data: small, without a secret, and the same for all of the server's life.

    Raises:
        RenderError: if the template can't be rendered.
        UserDataError: if it is over EC2's limit.
    """
    content = render(
        templates,
        "bootstrap/user-data.sh.j2",
        customer=customer,
        server=server,
        pointer_key=pointer_key(server.name),
        bundle_prefix=bundle_key(server.name, "").removesuffix(".tar"),
    )
    if len(content) > _LIMIT:
        raise UserDataError(f"templates/bootstrap: {len(content)} bytes, over EC2's limit of {_LIMIT}")
    return content.decode()
