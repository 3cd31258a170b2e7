from vitamin.analysis.suites import PAPER_TASKS, sort_tasks, suite_of
from vitamin.platform.catalog import get_task
from vitamin.platform.tasks import task_names


def test_suites_are_those_of_the_registry() -> None:
    for name in task_names():
        suite = get_task(name).suite
        assert suite_of(name) == ("other" if suite == "classic" else suite), name


def test_other_tasks() -> None:
    for name in ("Hopper-v4", "hopper", "minari:D4RL/pen/human-v2", "antelope-medium-v2", "my-ant-medium-v2"):
        assert suite_of(name) == "other"


def test_the_papers_tasks_are_in_its_order_before_the_rest() -> None:
    assert len(PAPER_TASKS) == 30
    assert set(PAPER_TASKS) <= set(task_names())
    tasks = ["Pendulum-v1", "task10", "task9", "maze2d-umaze-v1", "antmaze-umaze-v0"]
    tasks += ["pen-expert-v1", "ant-random-v2", "hopper-random-v2", "hopper-medium-v2"]
    assert sort_tasks([*tasks, "task9"]) == [
        *("hopper-medium-v2", "hopper-random-v2", "ant-random-v2", "pen-expert-v1"),
        *("antmaze-umaze-v0", "maze2d-umaze-v1", "Pendulum-v1", "task9", "task10"),
    ]
