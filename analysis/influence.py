"""Which settings have an influence on what a run learns: two runs are seeds of one experiment if these are equal.

As ``vitamin.algorithms.combinations`` has it, which readers of results do without; a test compares the two.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

ABOUT_RUNS: Final = frozenset(
    {"task", "method", "preset", "seed", "data", "reference_scores", "hyperparameters"}
)
"""Entries of ``config.yaml`` that say which run it is. The digest of the data stands for them, not their name."""

FREE: Final = frozenset(
    {
        "num_env_runners",
        "num_learners",
        "num_gpus_per_learner",
        "checkpoint_interval",
        "learner_threads",
        "rollout_threads",
        "online_steps",
        "eval_interval",
        "eval_episodes",
        "eval_envs_per_unit",
    }
)
"""Settings without influence on what is learned: how fast, for how long, and how often it is looked at."""

_TD3: Final = ("td3", "td3_odt", "ddpg_odt", "td3_bc")
_SAC: Final = ("sac", "sac_odt")
_IQL_DT: Final = ("iql_dt", "iql_odt")
_IQL: Final = ("iql", *_IQL_DT)
_PPO: Final = ("ppo", "ppo_odt")
_AWAC: Final = ("awac", "awac_odt")
_AWR: Final = ("awr", "awr_odt")
_WITH_Q: Final = (*_TD3, *_SAC, *_IQL, *_AWAC)
_WITH_GRADIENT: Final = (*_WITH_Q, *_PPO, *_AWR)
_ENTROPIC: Final = (*_SAC, *_IQL_DT, *_PPO, *_AWAC, *_AWR)
_PERCEPTRONS: Final = ("td3_bc", "iql")
METHODS: Final = frozenset({*_WITH_GRADIENT, "odt", "pdt", "grpo"})
"""The methods whose settings are known; of any other, all are taken to have an influence."""

_TRANSFORMERS: Final = METHODS.difference(_PERCEPTRONS)
_MIXED: Final = ("td3_odt", "ddpg_odt", "td3_bc", "sac_odt", "iql_odt", "ppo_odt", "awac_odt", "awr_odt")

_READERS: Final[tuple[tuple[Iterable[str], tuple[str, ...]], ...]] = (
    # RL gradients and critics
    (
        _WITH_GRADIENT,
        (
            *(
                "rl_coefficient",
                "actor_update_interval",
                "bootstrap_at_time_limit",
                "bootstrap_at_offline_cuts",
            ),
            *("critic_hidden_size", "critic_layer_norm", "critic_learning_rate", "critic_weight_decay"),
        ),
    ),
    (_WITH_Q, ("critic_members", "pretrain_rl_coefficient", "tau")),
    (
        ("td3", "td3_odt", "ddpg_odt", *_SAC, *_AWAC),
        ("critic_network", "critic_reads_padding", "target_attends_padding"),
    ),
    (("td3", "td3_odt", "ddpg_odt", *_SAC, *_IQL_DT, *_AWAC), ("critic_loss_over_padding",)),
    (("td3", "td3_odt", "td3_bc", *_SAC), ("critic_subset",)),
    (_TD3, ("normalize_rl_coefficient", "target_policy_noise", "exploration_noise")),
    (("td3", "td3_odt", "td3_bc"), ("target_noise_clip",)),
    (("td3", "td3_odt", "ddpg_odt"), ("normalizer_over_padding",)),
    ((*_IQL, *_AWAC, *_AWR), ("inverse_temperature", "max_advantage_weight")),
    ((*_IQL_DT, *_AWAC, *_AWR), ("advantage_losses_over_padding",)),
    ((*_AWAC, *_AWR), ("normalize_advantages",)),
    (_AWAC, ("awac_entropy",)),
    (_IQL, ("expectile",)),
    ((*_PPO, *_AWR), ("td_lambda", "published_value_pretraining")),
    (_PPO, ("clip_ratio", "old_log_probs")),
    # The supervised term, the entropy, and what keeps a policy near the pretrained one
    ((*_MIXED, "odt", "pdt"), ("supervised_coefficient",)),
    (_ENTROPIC, ("published_entropy",)),
    (
        (*_ENTROPIC, "odt", "pdt", "grpo"),
        ("initial_temperature", "temperature_learning_rate", "entropy_over_padding"),
    ),
    (METHODS - {"pdt", "grpo"}, ("action_regularization",)),
    (METHODS - {"pdt", "grpo", *_PPO}, ("jump_start_steps",)),
    (METHODS - {"pdt"}, ("curriculum_share",)),
    # Networks and their replay
    (
        _TRANSFORMERS,
        (
            *("num_layers", "num_heads", "embedding_dropout", "timestep_embedding", "max_timestep"),
            *("weight_decay", "gradient_clip", "replay_capacity", "return_scale"),
        ),
    ),
    (_PERCEPTRONS, ("transition_capacity",)),
    (
        _TRANSFORMERS - {"pdt"},
        (
            *("return_conditioning", "online_target_return", "eval_target_return"),
            *("curriculum_target_return", "drop_worst_trajectory"),
        ),
    ),
    # Single methods
    (
        ("pdt",),
        (
            *("latent_size", "future_length", "latent_kl_coefficient", "latent_reference"),
            *(
                "num_latent_samples",
                "warmup_env_steps",
                "return_warmup_updates",
                "return_warmup_learning_rate",
            ),
        ),
    ),
    (
        ("grpo",),
        (
            *("group_size", "reset_states", "subtrajectory_length", "uncertainty_exponent"),
            *("group_batch_size", "group_learning_rate", "group_ratio_clip", "group_entropy_coefficient"),
        ),
    ),
)
"""Methods, and the settings that they alone read. All methods read what is not here."""

# What is read under a condition alone.
_CONDITIONS: Final[Mapping[str, Callable[[Mapping[str, Any]], bool]]] = {
    "max_timestep": lambda settings: bool(settings.get("timestep_embedding", True)),
    "target_noise_clip": lambda settings: settings.get("target_policy_noise", 1) != 0,
    "normalizer_over_padding": lambda settings: bool(settings.get("normalize_rl_coefficient", True)),
    "critic_reads_padding": lambda settings: settings.get("critic_network") != "mlp",
    "updates_per_iteration": lambda settings: not settings.get("update_to_data_ratio", 0),
    "curriculum_share": lambda settings: (
        settings.get("jump_start_steps", 1) != 0 or settings.get("curriculum_target_return") is not None
    ),
}


def inert_settings(method: str) -> frozenset[str]:
    """Hyperparameters that the method does not read; none for a method that is not known."""
    if method not in METHODS:
        return frozenset()
    return frozenset(name for methods, names in _READERS if method not in {*methods} for name in names)


def without_influence(method: str) -> frozenset[str]:
    """Entries of ``config.yaml`` that have no influence on what the method learns, whatever the others are."""
    return FREE | ABOUT_RUNS | inert_settings(method)


def unread(settings: Mapping[str, Any]) -> frozenset[str]:
    """Those of a run's resolved settings that are not read because of others: a clip of noise that there is not."""
    return frozenset(name for name, is_read in _CONDITIONS.items() if not is_read(settings))
