"""Environment steps per second in Hopper-v4: ``python -m benchmarks.rollout``."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from benchmarks.machine import print_header, print_table, share_of_peak, timed
from benchmarks.plain_rollout import plain_rollout
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.models.decision_transformer import DecisionTransformer
from vitamin.algorithms.randomness import Stream, generator
from vitamin.algorithms.rollouts.environment import Environment
from vitamin.algorithms.rollouts.rollout import rollout_unit
from vitamin.platform.catalog import get_task
from vitamin.platform.environments import make_environment

SIZES = {"paper, 512 x 4": Hyperparameters(), "128 x 3": Hyperparameters(hidden_size=128, num_layers=3)}
WIDTHS = (1, 10)
STEPS = 50
REPEATS = 3


def forward_flops(settings: Hyperparameters) -> float:
    """Floating point operations of the linear layers for one action: the last block reads the last state only."""
    H, tokens = settings.hidden_size, 3 * settings.eval_context_length - 1
    multiplications = (settings.num_layers - 1) * 12 * H**2 * tokens + 2 * H**2 * tokens + 10 * H**2
    return 2.0 * multiplications


def measure(environments: Sequence[Environment], name: str, settings: Hyperparameters) -> tuple[str, ...]:
    """A row of the table; untrained policy."""
    threads = settings.rollout_threads
    torch.set_num_threads(threads)
    (S,), (A,) = environments[0].reset(seed=0)[0].shape, environments[0].action_space.shape
    W = len(environments)
    policy = DecisionTransformer(S, A, settings, "deterministic").eval()

    def ours() -> None:
        trajectories = rollout_unit(
            environments,
            policy,
            hyperparameters=settings,
            observation_mean=torch.zeros(S),
            observation_std=torch.ones(S),
            target_return=settings.online_target_return,
            explore=True,
            rng=generator(0, Stream.ROLLOUT, 0, 0),
        )
        assert trajectories.num_steps == W * STEPS

    seconds = timed(ours, REPEATS)
    plain_seconds = timed(lambda: plain_rollout(environments, policy, settings, STEPS), REPEATS)
    return (
        f"{name}, environments: {W}",
        f"{W * STEPS / seconds:.0f}",
        f"{1e3 * seconds / STEPS:.2f}",
        f"{W * STEPS / plain_seconds:.0f}",
        f"{plain_seconds / seconds:.1f}",
        share_of_peak(W * STEPS * forward_flops(settings), seconds, threads),
    )


def main() -> None:
    """Measures one and ten environments at both sizes, in episodes that run to their time limit."""
    task = get_task("hopper-medium-v2")
    task = replace(task, env_kwargs={"terminate_when_unhealthy": False}, max_episode_steps=STEPS)
    environments = [make_environment(task) for _ in range(max(WIDTHS))]
    print_header("Rollout in Hopper-v4, context of 5 steps", [Hyperparameters().rollout_threads])
    rows = [measure(environments[:width], *size) for size in SIZES.items() for width in WIDTHS]
    print_table(
        ("case", "steps/s", "ms a step of all", "plain steps/s", "times faster", "of matmul peak"), rows
    )


if __name__ == "__main__":
    main()
