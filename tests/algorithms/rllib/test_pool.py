"""The data of each phase: all offline trajectories in pretraining, the replay of the method's kind online."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.algorithms.rllib.outcomes import digest, histories
from vitamin.algorithms.rllib.config import OfflineToOnlineConfig

pytestmark = pytest.mark.ray
MakeConfig = Callable[..., OfflineToOnlineConfig]

# The data is ten episodes of 200 steps; an online iteration adds two.
CASES = [
    ("td3_odt", {"replay_capacity": 4}, (10, 2000), (4, 800)),
    ("odt", {"replay_capacity": 4, "drop_worst_trajectory": True}, (9, 1800), (4, 800)),
    ("td3_odt", {"replay_capacity": 11}, (10, 2000), (11, 2200)),
    ("iql", {}, (10, 2000), (12, 2400)),
    ("td3_bc", {"transition_capacity": 2100}, (10, 2000), (11, 2100)),
]


@pytest.mark.parametrize(("method", "settings", "pretraining", "online"), CASES)
def test_pool_of_each_phase_and_exact_resume_in_both(
    make_config: MakeConfig,
    tmp_path: Path,
    method: str,
    settings: dict[str, int],
    pretraining: tuple[int, int],
    online: tuple[int, int],
) -> None:
    reference = make_config(method, **settings).build_algo()
    history = []
    for done in range(1, 5):
        history += histories(reference, 1)
        reference.save_to_path(tmp_path / str(done))
    sizes = [(record["replay/trajectories"], record["replay/steps"]) for record, _ in history]
    assert sizes[:3] == [pretraining, pretraining, online]
    expected = (history, digest(reference))
    reference.stop()

    other = make_config(method, **settings).build_algo()
    for done in (1, 3, 2):  # pretraining, online, and in place back to where the pool was whole
        other.restore_from_path(tmp_path / str(done))
        assert (history[:done] + histories(other, 4 - done), digest(other)) == expected
    other.stop()
