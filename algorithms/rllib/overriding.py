"""Ray's own classes and functions with ours in their place, where Ray 2.60 has no hook for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def overridden(owner: object, name: str, value: Any) -> Iterator[None]:
    """``owner.name`` is ``value`` inside the block, for all threads of this process.

    Who uses it says beside ``value`` what Ray does instead and why that does not do.

    Args:
        owner: A module or class of Ray's that defines the name.
        name: Name of a class or function that Ray looks up each time it uses it.
        value: What Ray finds there instead.

    Raises:
        AttributeError: If ``owner`` has no such name, as a later Ray may not.
    """
    original = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)
