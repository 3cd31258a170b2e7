"""Values of settings that earlier versions wrote into run folders and specifications, under their present names."""

from collections.abc import Mapping
from typing import Any, Final

_PRESENT: Final[Mapping[str, Mapping[str, str]]] = {"critic_network": {"perceptron": "mlp"}}


def present_value(setting: str, value: Any) -> Any:
    """The value under its present name; most are what they were."""
    return _PRESENT.get(setting, {}).get(value, value) if isinstance(value, str) else value


def present_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """`present_value` of each setting, by name."""
    return {name: present_value(name, value) for name, value in settings.items()}
