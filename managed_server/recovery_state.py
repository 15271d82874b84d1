"""Puts resources into an exported deployment so that Pulumi's checks of a state hold."""

from typing import Any

Resource = dict[str, Any]

_STACK = "pulumi:pulumi:Stack"


def is_component(type_token: str) -> bool:
    """Tell whether a type is one of this project, or the stack itself: nothing of it is in a cloud."""
    return type_token.startswith("managed-server:") or type_token == _STACK


def add(resources: list[Resource], taken: list[Resource]) -> list[Resource]:
    """Return the resources with what was taken over among them, each after all that it needs.

    What stands in the state under the same URN is what the killed run was replacing: it stays, to be deleted,
    unless it was deleted before the create.
    """
    live = {r["urn"]: r for r in resources if not r.get("delete")}
    known = {r["urn"] for r in resources} | {r["urn"] for r in taken}
    parents: dict[str, Resource] = {}
    placed = list(resources)
    for new in taken:
        fitted = _without_unknown(new, known)
        parent = new.get("parent")
        if parent and parent not in known:
            parents.setdefault(parent, _component(parent, live))
        old = live.get(new["urn"])
        if old is None:
            placed.append(fitted)
            continue
        # Pulumi wants the living one first.
        at = next(index for index, resource in enumerate(placed) if resource is old)
        placed[at : at + 1] = [fitted] if old.get("pendingReplacement") else [fitted, {**old, "delete": True}]
    return _ordered([*placed[:1], *parents.values(), *placed[1:]])


def _component(urn: str, live: dict[str, Resource]) -> Resource:
    """Return the state of a component that was not recorded; the next run corrects its parent."""
    type_token = urn.split("::")[2].rpartition("$")[2]
    stack = next((u for u, r in live.items() if r["type"] == _STACK), None)
    made: Resource = {"urn": urn, "custom": False, "type": type_token, "inputs": {}, "outputs": {}}
    return {**made, "parent": stack} if stack else made


def _without_unknown(resource: Resource, known: set[str]) -> Resource:
    """Drop dependencies that the state doesn't hold; the next run records them again."""
    fitted = dict(resource)
    if "dependencies" in fitted:
        fitted["dependencies"] = [urn for urn in fitted["dependencies"] or [] if urn in known]
    if "propertyDependencies" in fitted:
        fitted["propertyDependencies"] = {
            name: [urn for urn in urns or [] if urn in known]
            for name, urns in (fitted["propertyDependencies"] or {}).items()
        }
    if fitted.get("deletedWith") not in known:
        fitted.pop("deletedWith", None)
    return fitted


def _needs(resource: Resource) -> list[str]:
    provider = str(resource.get("provider") or "").rpartition("::")[0]
    by_property = [
        urn for urns in (resource.get("propertyDependencies") or {}).values() for urn in urns or []
    ]
    single = [resource.get("parent"), provider, resource.get("deletedWith")]
    return [urn for urn in [*single, *(resource.get("dependencies") or []), *by_property] if urn]


def _ordered(resources: list[Resource]) -> list[Resource]:
    """Return resources after what they need; those that already are keep their order."""
    by_urn: dict[str, list[Resource]] = {}
    for resource in resources:
        by_urn.setdefault(resource["urn"], []).append(resource)
    done: list[Resource] = []
    begun: set[int] = set()
    placed: set[str] = set()

    def place(resource: Resource) -> None:
        if id(resource) in begun:
            return
        begun.add(id(resource))
        for urn in _needs(resource):
            if urn not in placed:
                for needed in by_urn.get(urn, []):
                    place(needed)
        done.append(resource)
        placed.add(resource["urn"])

    for resource in resources:
        place(resource)
    return done
