"""The files of a run folder: names, columns, types. Writers and readers of runs agree here, and only here.

The prose form, ``docs/results-schema.md``, is generated from this module by ``vitamin.analysis.schema_docs``.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from vitamin.analysis.run_files import RunFiles
from vitamin.errors import RunError
from vitamin.files import write_text
from vitamin.former_names import present_settings

SCHEMA_VERSION: Final = 1
LARGEST_SEED: Final = 2**31 - 1
"""As in ``vitamin.algorithms.seeds``, which readers of results do without."""

RUN_FILE: Final = "run.json"
MANIFEST_FILE: Final = "manifest.json"
CONFIG_FILE: Final = "config.yaml"
METRICS_FILE: Final = "metrics.jsonl"
EVALUATIONS_FILE: Final = "evaluations.csv"
CHECKPOINTS_FOLDER: Final = "checkpoints"
TENSORBOARD_FOLDER: Final = "tensorboard"
SWEEP_FILE: Final = "sweep.json"

Status = Literal["running", "finished", "stopped", "failed", "diverged"]
Phase = Literal["pretrain", "online"]
PRETRAIN: Final = "pretrain"
ONLINE: Final = "online"


class DatasetInfo(BaseModel):
    """The offline data a run was pretrained on."""

    model_config = ConfigDict(frozen=True)

    path: str = Field(description="the HDF5 file, as it was found on the run's host")
    fingerprint: str = Field(description="digest of the file's content")
    trajectories: int = Field(ge=0, description="trajectories read from it")
    steps: int = Field(ge=0, description="environment steps read from it")
    label: str | None = Field(
        None, description="what the data is when it is not the task's published dataset, else null"
    )
    doubts: tuple[str, ...] = Field(
        (), description="what speaks against its being sound, or the task's data, a sentence each"
    )
    notes: tuple[str, ...] = Field(
        (), description="what else was said of it, such as constant observations, a sentence each"
    )


class ReferenceScores(BaseModel):
    """Returns that count as normalized scores 0 and 100 (D4RL)."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    min: float = Field(description="return with normalized score 0")
    max: float = Field(description="return with normalized score 100")


class MachineInfo(BaseModel):
    """Facts about a machine on which the last bits of a result depend, besides versions of packages."""

    model_config = ConfigDict(frozen=True)

    cpu_capability: str = Field(description="instruction set that torch uses, such as AVX2 or AVX512")
    learner_threads: int = Field(ge=1, description="torch threads of a learner on the CPU")
    rollout_threads: int = Field(ge=1, description="torch threads of an env runner")


class RunTime(BaseModel):
    """Where the time of a run went: sums of the times in ``metrics.jsonl``, seconds."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    sample_s: float = Field(0.0, ge=0, description="seconds rolling out")
    update_s: float = Field(0.0, ge=0, description="seconds in gradient updates")
    sync_s: float = Field(0.0, ge=0, description="seconds sending weights to the env runners")
    evaluate_s: float = Field(0.0, ge=0, description="seconds evaluating")


class RunInfo(BaseModel):
    """The content of ``run.json``: what was run, on what, and how it ended.

    Keys unknown to this version are ignored, so that later ones may add optional keys; a change of meaning
    raises ``SCHEMA_VERSION``.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: int = Field(SCHEMA_VERSION, description="version of this schema")
    name: str = Field(description="name of the run")
    task: str = Field(description="name of the task, or a Gymnasium environment id")
    method: str = Field(description="row of the table of methods")
    preset: str = Field(description="named set of hyperparameters the run started from")
    seed: int = Field(ge=0, le=LARGEST_SEED, description="key of every random draw")
    overrides: Annotated[dict[str, Any], AfterValidator(present_settings)] = Field(
        default_factory=dict,
        description="hyperparameters that differ from the preset, by name: set by the user, or derived from the data",
    )
    status: Status = Field(
        description="running (also after a kill), finished, stopped (by a signal or with its sweep), failed or "
        "diverged (NaN or infinity)"
    )
    message: str | None = Field(None, description="why the run stopped, failed or diverged, else null")
    notes: list[str] = Field(
        default_factory=list,
        description="changes on the way, such as another number of learners or a file found damaged on a resume",
    )
    versions: dict[str, str] = Field(description="of vitamin, python, torch, ray, numpy, gymnasium, mujoco")
    commit: str | None = Field(
        None,
        description="git commit of the source tree, with -dirty if it was changed since; null if there is none",
    )
    host: str = Field(description="name of the machine")
    machine: MachineInfo | None = Field(
        None, description="what the last bits depend on; null if an earlier version wrote the file"
    )
    dataset: DatasetInfo | None = Field(None, description="the offline data; null if the run had none")
    reference_scores: ReferenceScores | None = Field(
        None, description="reference returns of the task; null if it has none"
    )
    started: AwareDatetime = Field(description="when the run was first started, ISO 8601, UTC")
    updated: AwareDatetime = Field(description="when this file was last written, ISO 8601, UTC")
    wall_time_s: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="seconds spent so far, resumed parts added up"
    )
    time: RunTime | None = Field(
        None, description="where they went, up to this update; null if an earlier version wrote the file"
    )
    online_steps: int | None = Field(
        None,
        ge=0,
        description="environment steps that were asked for; null if an earlier version wrote the file",
    )

    @classmethod
    def read(cls, run: Path | RunFiles) -> "RunInfo":
        """Reads ``run.json`` of a run folder.

        Raises:
            RunError: If the file is missing, damaged, or written by a version with another schema.
        """
        files = RunFiles.of(run)
        path = files.path(RUN_FILE)
        try:
            content = json.loads(files.read(RUN_FILE).decode())
            json.dumps(content, ensure_ascii=False).encode()
        except OSError as error:
            raise RunError(f"Cannot read {path}: {error.strerror}.") from error
        except json.JSONDecodeError as error:
            raise RunError(
                f"{path} is damaged: not JSON from line {error.lineno}, column {error.colno} on."
            ) from error
        except (
            ValueError,
            RecursionError,
        ) as error:  # bytes and escapes that are no text, endless digits or brackets
            raise RunError(f"{path} is damaged: not JSON, or not UTF-8.") from error
        version = content.get("schema_version") if isinstance(content, dict) else None
        if not isinstance(version, int):
            raise RunError(f"{path} is damaged or not of a Vitamin run: it has no schema_version.")
        if version > SCHEMA_VERSION:
            raise RunError(
                f"{path} has schema version {version}; this Vitamin reads version {SCHEMA_VERSION}. "
                "Upgrade Vitamin to the version that wrote it, or a later one."
            )
        if version < 1:
            raise RunError(f"{path} has the unknown schema version {version}.")
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RunError(f"{path} is damaged: {where}: {first['msg']}.") from error

    def text(self) -> str:
        """The content of the file."""
        return self.model_dump_json(indent=2) + "\n"

    def write(self, folder: Path) -> None:
        """Replaces ``run.json`` of a run folder; even after a crash it is whole, the old one or the new one.

        Raises:
            RunError: If the folder cannot be written to.
        """
        write_text(folder / RUN_FILE, self.text())


@dataclass(frozen=True)
class Column:
    """One column of ``evaluations.csv`` or one key of ``metrics.jsonl``.

    Attributes:
        name: Header of the column, or the key.
        dtype: As numpy and pandas name it.
        description: Meaning and unit.
    """

    name: str
    dtype: str
    description: str


EVALUATION_COLUMNS: Final = (
    Column("phase", "str", "`pretrain` or `online`"),
    Column("iteration", "int64", "iteration that ended with the evaluation, as in metrics.jsonl"),
    Column("env_steps", "int64", "online environment steps so far; 0 during pretraining"),
    Column("gradient_updates", "int64", "actor updates so far"),
    Column("target_return", "float64", "return-to-go at the start of the episode, scaled-reward units"),
    Column("episode", "int64", "number of the episode within its evaluation, from 0"),
    Column("return", "float64", "undiscounted sum of the environment's rewards"),
    Column("length", "int64", "steps of the episode"),
    Column("normalized_score", "float64", "100·(return - min)/(max - min); empty without reference scores"),
    Column(
        "success",
        "float64",
        "1 if the goal was reached at any step, else 0; empty if the environment has no goal",
    ),
)
EVALUATION_HEADER: Final = tuple(column.name for column in EVALUATION_COLUMNS)
LATER_COLUMNS: Final = ("success",)
"""Columns of ``evaluations.csv`` that files of earlier versions lack."""
EVALUATION_DTYPES: Final = MappingProxyType({column.name: column.dtype for column in EVALUATION_COLUMNS})

TIME_PREFIX: Final = "time/"
METRIC_KEYS: Final = (
    Column("iteration", "int64", "iteration, from 1, counted through both phases"),
    Column("phase", "str", "`pretrain` or `online`"),
    Column("env_steps", "int64", "online environment steps so far"),
    Column("gradient_updates", "int64", "actor updates so far"),
    Column("episodes", "int64", "online episodes so far"),
    Column("loss/actor", "float64", "weighted sum of the terms of the actor loss (Eq. 2)"),
    Column("loss/supervised", "float64", "supervised term of the actor loss (Eq. 1), unweighted"),
    Column("loss/rl", "float64", "RL term of the actor loss, unweighted"),
    Column(
        "loss/action_regularization",
        "float64",
        "mean squared distance to the pretrained policy's actions, unweighted, with `action_regularization`",
    ),
    Column("loss/return", "float64", "-log p(R|z, s) of PDT's return predictor"),
    Column("loss/critic", "float64", "critic loss (Eq. 3), summed over the critics"),
    Column("loss/value", "float64", "IQL: loss of V, part of the critic loss"),
    Column("value/mean", "float64", "mean of V on the data"),
    Column("value/target_mean", "float64", "PPO, AWR: mean TD(lambda) target of V"),
    Column("advantage/weight_mean", "float64", "IQL, AWAC, AWR: mean weight of the actions"),
    Column("ppo/ratio_mean", "float64", "PPO: mean likelihood ratio of new to old policy, see old_log_probs"),
    Column("ppo/clipped_share", "float64", "PPO: share of steps whose ratio is outside the clip"),
    Column("q/mean", "float64", "mean value of the first critic on the data"),
    Column("q/target_mean", "float64", "mean target value y"),
    Column("gradient_norm/actor", "float64", "global norm of the actor's gradient before clipping"),
    Column("gradient_norm/critic", "float64", "global norm of the critics' gradient"),
    Column(
        "gradient_norm/return", "float64", "global norm of the gradient of PDT's return predictor, warm-up"
    ),
    Column("policy/entropy", "float64", "entropy of the stochastic policy, nats"),
    Column("policy/temperature", "float64", "lambda, weight of the entropy"),
    Column("latent/encoder_kl", "float64", "KL of PDT's q(z|future) to N(0, 1), nats a component"),
    Column("latent/prior_kl", "float64", "KL of PDT's q(z|future) to its prior p(z|s), nats a component"),
    Column(
        "policy/log_ratio",
        "float64",
        "grpo: mean of log pi - log pi_old over steps, of the policy that is learned and the one that acted",
    ),
    Column("policy/clipped", "float64", "grpo: share of sub-trajectories whose ratio is outside the clip"),
    Column("groups/count", "float64", "groups of sub-trajectories of the iteration"),
    Column("groups/length_mean", "float64", "mean length of their sub-trajectories, steps"),
    Column(
        "groups/return_std",
        "float64",
        "mean standard deviation of returns within a group, scaled-reward units",
    ),
    Column(
        "groups/reset_uncertainty",
        "float64",
        "mean variance of the policy's action components in the reset states",
    ),
    Column("rollout/return_mean", "float64", "mean return of the iteration's online episodes"),
    Column("rollout/length_mean", "float64", "mean length of the iteration's online episodes, steps"),
    Column(
        "rollout/success_rate", "float64", "share of these episodes that reached their goal, if there is one"
    ),
    Column(
        "rollout/target_return",
        "float64",
        "return-to-go at the start of these episodes, scaled-reward units, with `curriculum_target_return`",
    ),
    Column(
        "rollout/jump_start_steps",
        "float64",
        "their first steps that the pretrained policy took, with `jump_start_steps`",
    ),
    Column("replay/trajectories", "float64", "trajectories held by the replay"),
    Column("replay/steps", "float64", "steps held by the replay"),
    Column("evaluation/return_mean", "float64", "mean return of the iteration's evaluation"),
    Column("evaluation/return_std", "float64", "standard deviation of its returns"),
    Column("evaluation/length_mean", "float64", "mean length of its episodes, steps"),
    Column("evaluation/normalized_score", "float64", "mean normalized score of its episodes"),
    Column(
        "evaluation/discounted_return_mean", "float64", "mean discounted return, with the setting `discount`"
    ),
    Column(
        "evaluation/success_rate", "float64", "share of its episodes that reached their goal, if there is one"
    ),
    Column("time/sample_s", "float64", "seconds rolling out"),
    Column("time/update_s", "float64", "seconds in gradient updates"),
    Column("time/sync_s", "float64", "seconds sending weights to the env runners"),
    Column("time/evaluate_s", "float64", "seconds evaluating"),
    Column("time/iteration_s", "float64", "seconds of the whole iteration"),
)
