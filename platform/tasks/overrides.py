"""Settings given by name, by a person or a file: each is checked against its field of ``Hyperparameters``."""

from collections.abc import Iterable, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.setting_types import BEYOND
from vitamin.errors import SettingsError, nearest, shown

_TYPE_NAMES = {int: "an integer", float: "a number", bool: "true or false", NoneType: "null"}
_SIGNS = ((Gt, "gt", ">"), (Ge, "ge", ">="), (Lt, "lt", "<"), (Le, "le", "<="))


def parse_overrides(assignments: Iterable[str]) -> dict[str, Any]:
    """Typed settings from ``["rl_coefficient=0.5", "dropout=0"]``; the last of equal keys counts.

    Raises:
        SettingsError: If an assignment has no ``=``, or as `checked_settings`.
    """
    pairs: dict[str, str] = {}
    for assignment in assignments:
        key, separator, value = assignment.partition("=")
        if not separator:
            raise SettingsError(f"Expected key=value, got {shown(assignment)}.")
        pairs[key.strip()] = value.strip()
    return checked_settings(pairs)


def checked_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """``settings`` with each value in the type of its field; text such as "1e5" or "false" is converted.

    Raises:
        SettingsError: If a key is not a field of ``Hyperparameters`` (names the nearest), or a value does not
            fit its type or range.
    """
    return {key: _checked(key, value) for key, value in settings.items()}


def build_hyperparameters(settings: Mapping[str, Any]) -> Hyperparameters:
    """``Hyperparameters`` with ``settings`` over the defaults.

    Raises:
        SettingsError: As `checked_settings`, and if values contradict each other.
    """
    checked = checked_settings(settings)
    try:
        return Hyperparameters(**checked)
    except ValidationError as error:
        reasons = "; ".join(str(detail["ctx"]["error"]) for detail in error.errors())
        raise SettingsError(f"These settings contradict each other: {reasons}.") from None


def _checked(key: str, value: Any) -> Any:
    fields = Hyperparameters.model_fields
    if key not in fields:
        suggestion = nearest(key, fields) or " `vitamin tasks TASK` lists all of them."
        raise SettingsError(f"Unknown setting {shown(key)}.{suggestion}")
    field = fields[key]
    try:
        return _type(key).validate_python(_as_number(value))
    except ValidationError as error:
        given = shown(value).strip("'") if isinstance(value, str) else shown(value)
        beyond = [item["msg"] for item in error.errors() if item["type"] == BEYOND]
        wanted = f"it {beyond[0]}" if beyond else f"expected {_expected(field)}"
        raise SettingsError(f"Setting {key}={given} does not fit: {wanted} ({field.description}).") from None


@cache
def _type(key: str) -> TypeAdapter[Any]:
    return TypeAdapter(Hyperparameters.model_fields[key].rebuild_annotation())


def _as_number(value: Any) -> Any:
    """Text of a number as that number and ``null`` as None, as in YAML; anything else as it is.

    A whole number is an integer, so that ``1e5`` is a valid one too.
    """
    if isinstance(value, str):
        value = _from_text(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _from_text(text: str) -> int | float | str | None:
    if text == "null":
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _expected(field: FieldInfo) -> str:
    """The type and range of a field in words: "a number >= 0 and < 1"."""
    return _in_words(field.annotation, field.metadata)


def _in_words(annotation: Any, constraints: Iterable[Any]) -> str:
    given = [
        inner
        for constraint in constraints
        for inner in (constraint.metadata if isinstance(constraint, FieldInfo) else [constraint])
    ]
    ranges = [
        f"{sign} {getattr(constraint, name):g}"
        for kind, name, sign in _SIGNS
        for constraint in given
        if isinstance(constraint, kind)
    ]
    return " ".join([_type_in_words(annotation), " and ".join(ranges)]).strip()


def _type_in_words(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(map(str, get_args(annotation)))
    if get_origin(annotation) is Annotated:
        return _in_words(annotation.__origin__, annotation.__metadata__)
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join(map(_type_in_words, get_args(annotation)))
    return _TYPE_NAMES[annotation]
