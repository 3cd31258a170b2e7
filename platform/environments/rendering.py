"""Pictures of environments, off-screen."""

import os
import subprocess
import sys
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from vitamin.errors import RunError

Frame = NDArray[np.uint8]

_MUJOCO_VARIABLE = "MUJOCO_GL"
_PROBE_SECONDS = 60
# In a process of its own: a renderer without a driver can end the process that asks for it.
_PROBE = """
import mujoco
context = mujoco.GLContext(64, 64)
context.make_current()
mujoco.MjrContext(mujoco.MjModel.from_xml_string("<mujoco/>"), mujoco.mjtFontScale.mjFONTSCALE_100)
"""


def first_frame(environment: gymnasium.Env[Any, Any]) -> Frame:
    """Resets the environment with seed 0 and draws it, (height, width, 3).

    Raises:
        RunError: If it draws no pictures, or a package for it is missing.
    """
    for variable in ("SDL_VIDEODRIVER", "SDL_AUDIODRIVER"):
        os.environ.setdefault(
            variable, "dummy"
        )  # without, pygame complains where there is no screen or sound card
    try:
        environment.reset(seed=0)
        frame: object = environment.render()
    except gymnasium.error.DependencyNotInstalled as error:
        raise RunError(f"This environment's renderer needs a package that is missing: {error}") from error
    except Exception as error:
        raise RunError(f"This environment cannot be rendered: {type(error).__name__}: {error}") from error
    if not isinstance(frame, np.ndarray):
        raise RunError("This environment draws no pictures (render_mode='rgb_array' gives none).")
    return frame


def uses_mujoco(environment: gymnasium.Env[Any, Any]) -> bool:
    """Whether MuJoCo draws it, for which `choose_mujoco_renderer` has to be called first."""
    return hasattr(environment.unwrapped, "mujoco_renderer")


def choose_mujoco_renderer() -> None:
    """Sets MUJOCO_GL to the first renderer that works, unless the user has chosen one.

    Raises:
        RunError: If none works.
    """
    chosen = os.environ.get(_MUJOCO_VARIABLE)
    if chosen is None and sys.platform != "linux":
        return
    for renderer in [chosen] if chosen is not None else ["egl", "osmesa"]:
        if _renders(renderer):
            os.environ[_MUJOCO_VARIABLE] = renderer
            return
    what = (
        f"{_MUJOCO_VARIABLE}={chosen} does not work" if chosen is not None else "neither EGL nor OSMesa works"
    )
    raise RunError(
        f"No renderer for MuJoCo: {what} here. On Debian or Ubuntu: "
        "apt-get install libegl1 libgl1 (MUJOCO_GL=egl) or libosmesa6 (MUJOCO_GL=osmesa)."
    )


def _renders(renderer: str) -> bool:
    try:
        answer = subprocess.run(
            [sys.executable, "-c", _PROBE],
            env={**os.environ, _MUJOCO_VARIABLE: renderer},
            capture_output=True,
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return answer.returncode == 0
