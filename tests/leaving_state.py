"""The state of a customer of two servers, as Pulumi exports it, for tests of what leaves."""


def urn(kind, name):
    return f"urn:pulumi:acme::managed-server::{kind}::{name}"


OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
STACK_URN = urn("pulumi:pulumi:Stack", "managed-server-acme")
PROVIDER = {
    "urn": urn("pulumi:providers:aws", "acme-aws"),
    "id": "p",
    "type": "pulumi:providers:aws",
    "custom": True,
    "inputs": {"region": "eu-west-2"},
}


def component(kind, name):
    return {
        "urn": urn(f"managed-server:index:{kind}", name),
        "type": f"managed-server:index:{kind}",
        "parent": STACK_URN,
    }


def custom(kind, name, parent, *, protect=False, **inputs):
    return {
        "urn": urn(kind, name),
        "type": kind,
        "custom": True,
        "id": name,
        "parent": parent["urn"],
        "protect": protect,
        "provider": f"{PROVIDER['urn']}::p",
        "inputs": inputs,
        "outputs": {"id": name, "userDataBase64": "", "arn": name},
    }


def resources():
    """Two servers, of which one's name begins like the other's, and a bucket of backups."""
    made = [
        {
            "urn": STACK_URN,
            "type": "pulumi:pulumi:Stack",
            "outputs": {
                "servers": {
                    "web": {"instance_id": "i-1", "address": "192.0.2.1"},
                    "web-2": {"instance_id": "i-2", "address": "192.0.2.2"},
                }
            },
        },
        PROVIDER,
    ]
    delivery, pointers = component("Delivery", "acme-delivery"), []
    for name in ("web", "web-2"):
        server, hub = component("ManagedServer", f"acme-{name}"), component("HubFragment", f"acme-{name}-hub")
        told = {"bucket": "fleet", "key": f"fragments/acme/{name}.json", "tags": {"server": name}}
        made += [
            server,
            custom("aws:ec2/instance:Instance", f"acme-{name}-instance", server, protect=True),
            hub,
            custom(OBJECT, f"acme-{name}-hub-fragment", hub, **told),
        ]
        pointers.append(custom(OBJECT, f"acme-delivery-{name}-pointer", delivery, tags={"server": name}))
    made += [delivery, *pointers]
    backup = component("OffsiteBackup", "acme-backup")
    return [
        *made,
        backup,
        custom("aws:s3/bucket:Bucket", "backups", backup, protect=True, bucket="backups"),
        custom("aws:s3/bucket:Bucket", "delivery", backup, bucket="delivery", forceDestroy=True),
    ]


def forgotten(made, name="web", *parts):
    """The same where the update that made a server came to no end: the stack's outputs don't know of it.

    Of its instance, address and volume only these parts were made, all of them protected.
    """
    made[0]["outputs"]["servers"].pop(name)
    server = next(each for each in made if each["urn"].endswith(f"::acme-{name}"))
    data = {**component("DataVolume", f"acme-{name}-data"), "parent": server["urn"]}
    address = custom("aws:ec2/eip:Eip", f"acme-{name}-address", server, protect=True)
    address["outputs"] |= {"publicIp": "192.0.2.7"}
    more = {
        "address": (address,),
        "volume": (
            data,
            custom("aws:ebs/volume:Volume", f"acme-{name}-data-volume", data, protect=True, size=50),
        ),
    }
    kept = [e for e in made if "instance" in parts or not e["urn"].endswith(f"::acme-{name}-instance")]
    return [*kept, *(each for part in parts if part in more for each in more[part])]


def names(found):
    return [each["urn"].rpartition("::")[2] for each in found]
