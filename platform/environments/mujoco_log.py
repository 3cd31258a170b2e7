"""MuJoCo's warnings, as log records."""

import logging

logger = logging.getLogger(__name__)


def route_mujoco_warnings() -> None:
    """Send MuJoCo's warnings to `logging`, unless the program already has a handler for them.

    Left alone, MuJoCo prints them and leaves a ``MUJOCO_LOG.TXT`` in the working directory; HalfCheetah's
    model alone does so each time it is loaded.
    """
    try:
        import mujoco
    except (ImportError, RuntimeError):  # RuntimeError: MUJOCO_GL names no renderer
        return
    if mujoco.get_mju_user_warning() is None:
        mujoco.set_mju_user_warning(_log)


def _log(message: str) -> None:
    logger.log(logging.DEBUG if "deprecated" in message else logging.WARNING, "MuJoCo: %s", message)
