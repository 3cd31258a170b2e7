"""Environment steps per second in Hopper-v4: ``python -m benchmarks.rollout``."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.machine import print_header, print_table, share_of_peak, timed
from benchmarks.plain_rollout import plain_rollout
from vitamin.algorithms.environment import Environment
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.models.decision_transformer import DecisionTransformer
from vitamin.algorithms.randomness import Stream, generator
from vitamin.algorithms.rollout import rollout_unit
from vitamin.platform.environments import make_environment
from vitamin.platform.tasks import get_task

# (case, settings, torch threads)
SIZES = (
    ("paper, 512 x 4", Hyperparameters(), 2),
    ("128 x 3", Hyperparameters(hidden_size=128, num_layers=3), 1),
)
WIDTHS = (1, 10)
STEPS = 100
REPEATS = 5


def measure(
    environments: Sequence[Environment], name: str, settings: Hyperparameters, threads: int
) -> tuple[str, ...]:
    """A row of the table; untrained policy."""
    torch.set_num_threads(threads)
    (S,), (A,) = environments[0].reset(seed=0)[0].shape, environments[0].action_space.shape
    W, C = len(environments), settings.eval_context_length
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
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        policy.act(torch.zeros(W, C, S), torch.zeros(W, C, A), torch.zeros(W, C), torch.zeros(W, C).long())
    return (
        f"{name}, {W} environments, {threads} threads",
        f"{W * STEPS / seconds:.0f}",
        f"{W * STEPS / plain_seconds:.0f}",
        f"{plain_seconds / seconds:.1f}",
        share_of_peak(STEPS * counter.get_total_flops(), seconds, threads),
    )


def main() -> None:
    """Measures one and ten environments at both sizes, in episodes that run to their time limit."""
    task = get_task("hopper-medium-v2")
    task = replace(task, env_kwargs={"terminate_when_unhealthy": False}, max_episode_steps=STEPS)
    environments = [make_environment(task) for _ in range(max(WIDTHS))]
    print_header("Rollout in Hopper-v4, context of 5 steps", [threads for *_, threads in SIZES])
    rows = [measure(environments[:width], *size) for size in SIZES for width in WIDTHS]
    print_table(("case", "steps/s", "plain steps/s", "times faster", "of matmul peak"), rows)


if __name__ == "__main__":
    main()
