"""Pictures of environments, off-screen."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from vitamin.errors import RunError

Frame = NDArray[np.uint8]

_MUJOCO_VARIABLE = "MUJOCO_GL"
_MUJOCO_RENDERER = "mujoco_renderer"
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


@contextmanager
def drawn(environment: gymnasium.Env[Any, Any]) -> Iterator[gymnasium.Env[Any, Any]]:
    """The environment, closed after the block together with what MuJoCo holds for drawing it.

    Gymnasium leaves MuJoCo's part to the garbage collector, which frees it in whichever graphics context is current
    then: the pictures of the next environment turn black.
    """
    with closing(environment):
        try:
            yield environment
        finally:
            renderer = getattr(environment.unwrapped, _MUJOCO_RENDERER, None)
            if (viewer := getattr(renderer, "viewer", None)) is not None:
                viewer.con.free()


def draw_small(environment: gymnasium.Env[Any, Any], width: int, height: int) -> None:
    """Has MuJoCo draw pictures of this size, to be called before the first one.

    Without shadows and smoothed edges, which take nine tenths of the time where a processor draws.
    """
    renderer = getattr(environment.unwrapped, _MUJOCO_RENDERER)
    renderer.width, renderer.height = width, height
    visual = renderer.model.vis
    visual.global_.offwidth, visual.global_.offheight = width, height
    visual.quality.shadowsize = visual.quality.offsamples = 0
    _draw_endless_floor(renderer.model)


def _draw_endless_floor(model: Any) -> None:
    """A cheetah runs past the 40 m of its floor that are drawn; to what touches it a plane has no end anyway."""
    import mujoco

    floor = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_GEOM, "floor")
    if floor < 0 or model.geom_type[floor] != mujoco.mjtGeom.mjGEOM_PLANE:
        return
    size = model.geom_size[floor, :2].copy()
    material = model.geom_matid[floor]
    if material >= 0 and not model.mat_texuniform[material] and size.all():
        model.mat_texrepeat[material] /= 2 * size  # of an endless plane it counts for one metre
    model.geom_size[floor, :2] = 0


def uses_mujoco(environment: gymnasium.Env[Any, Any]) -> bool:
    """Whether MuJoCo draws it, for which `choose_mujoco_renderer` has to be called first."""
    return hasattr(environment.unwrapped, _MUJOCO_RENDERER)


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
