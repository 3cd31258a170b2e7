"""Which golden numbers the parity tests run over, and how exact they are."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.parity.comparison import Comparison
from tests.parity.golden_files import DEFAULT_FOLDER, GoldenFile

ROOT = Path(__file__).parents[2]


WITH_PADDING = ("segments_buffer", "td3_critic_ln1_K20", "rl_iql_sto", "rl_awr_normadv", "forward_det_K20")


def run(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"]
    return subprocess.run(
        [*command, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def one_case(tmp_path: Path) -> Path:
    for name in ("config.json", "shared_weights.npz", "forward_det_K20.npz"):
        (tmp_path / name).write_bytes((DEFAULT_FOLDER / name).read_bytes())
    return tmp_path


def test_option_and_variable_choose_the_folder(one_case: Path) -> None:
    for result in (
        run("tests/parity", "--collect-only", "--fixtures", one_case),
        run("tests/parity", "--collect-only", VITAMIN_PARITY_FIXTURES=str(one_case)),
    ):
        assert result.returncode == 0, result.stdout
        assert "forward_det_K20" in result.stdout
        assert "odt_step_K4" not in result.stdout


def test_a_folder_without_golden_numbers_is_a_usage_error(one_case: Path) -> None:
    (one_case / "forward_det_K20.npz").unlink()
    for folder in (one_case, one_case / "nowhere"):
        for result in (
            run("tests/parity", "--collect-only", "--fixtures", folder),
            run("tests/parity", "--collect-only", VITAMIN_PARITY_FIXTURES=str(folder)),
        ):
            assert result.returncode == pytest.ExitCode.USAGE_ERROR
            assert f"{folder} holds no golden numbers" in result.stderr


def _with_other_padding(arrays: dict[str, Any]) -> int:
    """Puts other values at padded positions of what is expected; how many arrays have such."""
    changed = 0
    for name, padding in [(name, array) for name, array in arrays.items() if name.endswith("padding_mask")]:
        group = name.removesuffix("padding_mask").removesuffix("in/")
        for key, array in arrays.items():
            ours = key.startswith((group or "expected/", f"expected/{group.removesuffix('/')}_"))
            shape = array.shape[: padding.ndim]
            with_next = padding.ndim == 1 and shape == (len(padding) + 1,)
            if not ours or not key.startswith("expected/") or key == name or "no_mask" in key:
                continue
            if shape == padding.shape or with_next:
                padded = np.append(padding == 0, False) if with_next else padding == 0
                arrays[key] = np.where(
                    padded.reshape(*padded.shape, *(1,) * (array.ndim - padded.ndim)), 77, array
                ).astype(array.dtype)
                changed += int(padded.any())
    return changed


def test_padded_positions_carry_no_meaning(tmp_path: Path) -> None:
    for name in ("config.json", "shared_weights.npz"):
        (tmp_path / name).write_bytes((DEFAULT_FOLDER / name).read_bytes())
    for name in WITH_PADDING:
        with np.load(DEFAULT_FOLDER / f"{name}.npz") as stored:
            arrays = dict(stored)
        assert _with_other_padding(arrays)
        if name == "segments_buffer":  # the long trajectory has 1001 steps
            arrays["expected/seg_long_s998/timesteps"] = np.array([77, 998, 999, 999])
            arrays = {key: array for key, array in arrays.items() if "seg_long_s1002" not in key}
        np.savez(tmp_path / f"{name}.npz", **arrays)
    result = run("tests/parity", "-n", "0", "--ignore", __file__, "--fixtures", tmp_path)
    assert result.returncode == 0, result.stdout
    assert "9 passed" in result.stdout


def golden(folder: Path, name: str, key: str, values: list[float]) -> GoldenFile:
    (folder / "config.json").write_text(json.dumps({}))
    np.savez(folder / f"{name}.npz", **{f"expected/{key}": np.array(values)})
    return GoldenFile(folder, name)


@pytest.mark.parametrize(
    ("name", "key", "tolerance"),
    [
        ("td3_critic_ln1_K7", "q1", 1e-5),
        ("td3_actor_ln0_K7", "grad/embed_return.bias", 1e-5),
        ("td3_actor_ln0_K7", "actor_after3/embed_return.bias", 3e-5),
        ("odt_step_K7", "loss_step1", 1e-5),
        ("odt_step_K7", "entropy_step1", 1e-4),
        ("odt_step_K7", "grad/embed_state.bias", 1e-4),
        ("odt_step_K7", "grad/embed_return.bias", 1e-3),
    ],
)
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_errors_count_relative_to_an_array_s_own_maximum(
    tmp_path: Path, name: str, key: str, tolerance: float, size: float
) -> None:
    compare = Comparison(golden(tmp_path, name, key, [size, 0.0]), torch.float32, lambda *_: None)
    compare(key, np.array([size, 0.9 * tolerance * size]))
    with pytest.raises(AssertionError, match="relative error"):
        compare(key, np.array([size, 1.1 * tolerance * size]))


def test_zeros_have_to_be_zeros(tmp_path: Path) -> None:
    compare = Comparison(golden(tmp_path, "td3_x", "rl_coeff", [0.0]), torch.float32, lambda *_: None)
    compare("rl_coeff", np.zeros(1))
    with pytest.raises(AssertionError, match="relative error"):
        compare("rl_coeff", np.full(1, 1e-30))
