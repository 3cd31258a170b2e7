import pytest

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.training.schedule import Progress, Schedule


def _run(**settings: int) -> list[tuple[str, int, bool]]:
    """Phase, actor updates and whether an evaluation follows, of every iteration of a run of 100 steps each."""
    schedule, progress, rows = Schedule(Hyperparameters(**settings)), Progress(), []
    while not schedule.finished(progress):
        phase, updates = schedule.phase(progress), schedule.actor_updates(progress)
        progress.iteration += 1
        progress.env_steps += 100 if phase == "online" else 0
        rows.append((phase, updates, schedule.evaluation_due(progress, phase)))
    return rows


def test_the_last_pretraining_iteration_takes_the_updates_that_are_left() -> None:
    rows = _run(pretrain_updates=7, pretrain_updates_per_iteration=3, online_steps=0, updates_per_iteration=9)
    assert rows == [("pretrain", 3, False), ("pretrain", 3, False), ("pretrain", 1, True)]


def test_without_pretraining_the_first_iteration_evaluates_the_initial_policy() -> None:
    rows = _run(pretrain_updates=0, online_steps=100, updates_per_iteration=9)
    assert rows == [("pretrain", 0, True), ("online", 9, True)]


@pytest.mark.parametrize("interval", [1, 2, 3])
def test_evaluations_follow_every_so_many_iterations_and_the_end_of_each_phase(interval: int) -> None:
    rows = _run(
        pretrain_updates=4, pretrain_updates_per_iteration=1, online_steps=500, eval_interval=interval
    )
    due = {phase: [due for name, _, due in rows if name == phase] for phase in ("pretrain", "online")}
    assert due["pretrain"] == [i % interval == 0 or i == 4 for i in (1, 2, 3, 4)]
    assert due["online"] == [i % interval == 0 or i == 5 for i in (1, 2, 3, 4, 5)]


def test_curricula_end_after_their_share_of_the_online_steps() -> None:
    settings = Hyperparameters(
        online_steps=1000,
        curriculum_share=0.5,
        jump_start_steps=30,
        curriculum_target_return=100,
        online_target_return=300,
    )
    schedule = Schedule(settings)
    rows = [(0, 30, 100), (100, 24, 140), (250, 15, 200), (500, 0, 300), (900, 0, 300)]
    for env_steps, guided, target in rows:
        progress = Progress(env_steps=env_steps)
        assert schedule.jump_start_steps(progress) == guided
        assert schedule.online_target_return(progress) == pytest.approx(target)
    plain = Schedule(Hyperparameters(online_target_return=300))
    assert plain.online_target_return(Progress()) == 300
    assert plain.jump_start_steps(Progress()) == 0


def test_updates_follow_the_data_where_their_ratio_is_given() -> None:
    settings = Hyperparameters(pretrain_updates=0, updates_per_iteration=9, update_to_data_ratio=2)
    online = Progress(iteration=1)
    assert Schedule(settings, critic_steps=2).actor_updates(online, collected=101) == 101
    assert Schedule(settings).actor_updates(online, collected=101) == 202
    few = settings.model_copy(update={"update_to_data_ratio": 0.07})
    assert [Schedule(few).actor_updates(online, collected=n) for n in (100, 101)] == [7, 8]
    fixed = Schedule(settings.model_copy(update={"update_to_data_ratio": 0}))
    assert fixed.actor_updates(online, collected=101) == 9


def test_a_warmup_takes_the_place_of_the_first_online_iteration() -> None:
    settings = Hyperparameters(
        pretrain_updates=2,
        pretrain_updates_per_iteration=1,
        updates_per_iteration=9,
        min_env_steps_per_iteration=50,
        warmup_env_steps=700,
        return_warmup_updates=30,
    )
    plain, warm = Schedule(settings), Schedule(settings, warms_up=True)
    for iteration, steps, updates in ((2, 700, 30), (3, 50, 9), (4, 50, 9)):
        progress = Progress(iteration=iteration)
        assert (warm.env_steps(progress), warm.actor_updates(progress)) == (steps, updates)
        assert (plain.env_steps(progress), plain.actor_updates(progress)) == (50, 9)
    assert warm.actor_updates(Progress(iteration=1)) == 1
    without = Schedule(settings.model_copy(update={"return_warmup_updates": 0}), warms_up=True)
    assert without.actor_updates(Progress(iteration=2)) == 9
