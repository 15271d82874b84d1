"""A cure fails at the start when moto isn't what it was written for."""

import pytest

from managed_server.local.aws.cures.patching import PatchTargetError, add, replace, require


class Base:
    def inherited(self) -> str:
        return "base"


class Target(Base):
    def method(self) -> str:
        return "before"


def test_replaces_with_the_original_at_hand():
    class Own(Base):
        def method(self) -> str:
            return "before"

    replace(Own, "method", lambda original: lambda self: f"{original(self)} and after")
    assert Own().method() == "before and after"


@pytest.mark.parametrize("name", ["gone", "inherited"])
def test_refuses_to_replace_what_is_not_defined_there(name):
    with pytest.raises(PatchTargetError, match=rf"Target\.{name}, which a cure patches"):
        replace(Target, name, lambda original: original)


@pytest.mark.parametrize("name", ["method", "inherited"])
def test_refuses_to_add_what_is_there(name):
    with pytest.raises(PatchTargetError, match="may be dropped"):
        add(Target, name, None)


def test_requires():
    require(Target, "method", "inherited")
    with pytest.raises(PatchTargetError, match=r"Target\.gone, which a cure uses"):
        require(Target, "method", "gone")
