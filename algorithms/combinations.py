"""Which settings a method uses; setting another one for it makes no sense, and is refused with the reason."""

from collections.abc import Iterable

from vitamin.algorithms.assembly import uses_temperature
from vitamin.algorithms.coefficients import loss_coefficients
from vitamin.algorithms.gradients import GRADIENTS
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import Method, Phase
from vitamin.errors import SettingsError

_OF_Q_FUNCTIONS = ("critic_members", "critic_network", "critic_reads_padding", "critic_loss_over_padding")
_OF_RL_GRADIENTS = (
    *_OF_Q_FUNCTIONS,
    "rl_coefficient",
    "pretrain_rl_coefficient",
    "published_entropy",
    "critic_hidden_size",
    "critic_layer_norm",
    "critic_learning_rate",
    "critic_weight_decay",
    "tau",
    "actor_update_interval",
    "bootstrap_at_time_limit",
    "bootstrap_at_offline_cuts",
)
_OF_TRANSFORMERS = (
    "weight_decay",
    "gradient_clip",
    "num_layers",
    "num_heads",
    "embedding_dropout",
    "timestep_embedding",
    "max_timestep",
)
_OF_SEGMENTS = (
    "critic_network",
    "critic_reads_padding",
    "critic_loss_over_padding",
    "target_attends_padding",
    "normalizer_over_padding",
    "advantage_losses_over_padding",
)
_OF_FUTURES = (
    "latent_size",
    "future_length",
    "latent_kl_coefficient",
    "latent_reference",
    "num_latent_samples",
    "warmup_env_steps",
    "return_warmup_updates",
    "return_warmup_learning_rate",
)
_OF_RETURN_CONDITIONING = (
    "eval_target_return",
    "online_target_return",
    "curriculum_target_return",
    "return_conditioning",
)
_OF_GROUPS = (
    "group_size",
    "reset_states",
    "subtrajectory_length",
    "uncertainty_exponent",
    "group_batch_size",
    "group_learning_rate",
    "group_ratio_clip",
    "group_entropy_coefficient",
)
_OF_DETERMINISTIC_POLICIES = ("exploration_noise",)
_OF_STOCHASTIC_POLICIES = (
    "initial_temperature",
    "temperature_learning_rate",
    "entropy_over_padding",
    "published_entropy",
)


def _unused_by_gradient(method: Method) -> dict[str, str]:
    """Settings of RL gradients and critics that the method's own do not read."""
    label, gradient = method.label, None if method.gradient is None else GRADIENTS[method.gradient]
    reasons: dict[str, str] = {}
    for name in sorted(frozenset().union(*(other.reads for other in GRADIENTS.values()))):
        readers = ", ".join(other.__name__ for other in GRADIENTS.values() if name in other.reads)
        reasons[name] = f"it belongs to the gradients of {readers}"
    if gradient is None:
        return reasons | dict.fromkeys(_OF_RL_GRADIENTS, f"{label} has no RL gradient")
    reasons = {name: reason for name, reason in reasons.items() if name not in gradient.reads}
    if not gradient.has_q:
        reasons |= dict.fromkeys(_OF_Q_FUNCTIONS, f"{label} has a value function, but no Q functions")
    elif gradient.has_value:
        reasons |= dict.fromkeys(
            ("critic_network", "critic_reads_padding"),
            f"{label} has a value function beside its Q functions, which sees the state alone",
        )
    if gradient.targets != "soft":
        reasons["tau"] = f"{label} has no slowly moving targets"
    if gradient.data != "replay":
        reasons["pretrain_rl_coefficient"] = f"{label} learns from values of online iterations"
    if gradient.data == "iteration":
        reasons["jump_start_steps"] = f"{label} learns from actions of its own policy alone"
    if method.fixed.get("critic_members") == 1:
        reasons["critic_subset"] = f"{label} has one Q function"
    if method.fixed.get("target_policy_noise") == 0:
        reasons["target_noise_clip"] = f"{label} has no smoothing noise"
    return reasons


def ignored_settings(method: Method) -> dict[str, str]:
    """Hyperparameters without influence on the method's results, each with the reason as half a sentence."""
    label = method.label
    reasons = _unused_by_gradient(method)
    if method.network == "future_transformer":
        reasons |= dict.fromkeys(
            _OF_RETURN_CONDITIONING, f"{label} is conditioned on latent futures, not on returns"
        )
        reasons["target_attends_padding"] = f"{label} has no target policy"
        reasons["jump_start_steps"] = f"the pretrained policy of {label} does not know which latents pay"
        reasons["curriculum_share"] = f"{label} has no curriculum"
        reasons["drop_worst_trajectory"] = f"{label} pretrains without rewards, and so on all trajectories"
        reasons["action_regularization"] = (
            f"{label} acts on latent futures, which are drawn anew for each action"
        )
    else:
        reasons |= dict.fromkeys(_OF_FUTURES, f"{label} is not conditioned on latent futures")
    if not method.groups:
        reasons |= dict.fromkeys(_OF_GROUPS, f"{label} does not learn from groups of sub-trajectories")
    else:
        reasons["action_regularization"] = f"{label} has its clipped ratio to keep near the policy that acted"
        reasons["jump_start_steps"] = f"{label} learns from actions of its own policy alone"
    if method.network == "mlp":
        reasons |= dict.fromkeys(
            (*_OF_RETURN_CONDITIONING, "return_scale"),
            f"the policy of {label} does not look at returns-to-go",
        )
        reasons |= dict.fromkeys(_OF_SEGMENTS, f"the segments of {label} are one step long")
        reasons["replay_capacity"] = f"the replay of {label} counts steps; transition_capacity is its size"
        reasons["drop_worst_trajectory"] = f"{label} learns from all of the offline data"
        reasons |= dict.fromkeys(
            _OF_TRANSFORMERS, f"the policy of {label} is no transformer, and Adam trains it"
        )
    else:
        reasons["transition_capacity"] = (
            f"the replay of {label} counts trajectories; replay_capacity is its size"
        )
    if not method.supervised:
        reasons["supervised_coefficient"] = f"{label} has no supervised term online"
    if not uses_temperature(method):
        reasons |= dict.fromkeys(_OF_STOCHASTIC_POLICIES, f"no loss of {label} has an entropy term")
    if method.policy == "deterministic":
        reasons |= dict.fromkeys(
            _OF_STOCHASTIC_POLICIES, f"the policy of {label} is deterministic and has no entropy"
        )
    else:
        reasons |= dict.fromkeys(
            _OF_DETERMINISTIC_POLICIES, f"{label} explores with samples of its stochastic policy"
        )
    return reasons


def check_combination(method: Method, chosen: Iterable[str]) -> None:
    """Checks that a method uses the settings that somebody has ``chosen`` for it, and `check_method`.

    Raises:
        SettingsError: If one of them is without influence, or part of the method's definition, or parts of the method
            do not fit together.
    """
    check_method(method)
    ignored = ignored_settings(method)
    for name in chosen:
        if name in ignored:
            raise SettingsError(
                f"{name} makes no sense for the method {method.name}: {ignored[name]}. Leave it out."
            )
        if name in method.fixed:
            raise SettingsError(
                f"{name} is {method.fixed[name]} by definition of the method {method.name} ({method.summary}). "
                "Leave it out."
            )


def check_settings(method: Method, settings: Hyperparameters) -> None:
    """Checks settings that make sense for the method, but not together.

    Raises:
        SettingsError: If the warm-up takes the whole online budget, critics are to read the past of single steps,
            returns-to-go that nobody looks at are to rise, or nothing is left of a phase's actor loss.
    """
    if settings.pretrain_updates > 0:
        _check_loss(method, settings, "pretrain")
    if settings.online_steps > 0 and not method.groups and settings.action_regularization == 0:
        _check_loss(method, settings, "online")
    if method.network == "future_transformer" and 0 < settings.online_steps <= settings.warmup_env_steps:
        raise SettingsError(
            f"The warm-up of {method.label}, warmup_env_steps {settings.warmup_env_steps}, takes all of online_steps "
            f"{settings.online_steps}: nothing would be fine-tuned. Lower the one or raise the other."
        )
    if settings.critic_network != "perceptron" and settings.context_length == 1:
        raise SettingsError(
            f"critic_network {settings.critic_network} makes no sense with context_length 1: there is no past to read."
        )
    if not settings.return_conditioning and settings.curriculum_target_return is not None:
        raise SettingsError(
            "curriculum_target_return makes no sense without return_conditioning: the policy does not look at "
            "returns-to-go. Leave one of them out."
        )


def _check_loss(method: Method, settings: Hyperparameters, phase: Phase) -> None:
    if not any(loss_coefficients(method, settings, phase)):
        names = "rl_coefficient or supervised_coefficient"
        if phase == "pretrain":
            names = f"pretrain_rl_coefficient or pretrain_supervised_coefficient (online means: as {names})"
        raise SettingsError(
            f"The policy of {method.label} would have no loss in its {phase} phase. Set {names} to more than 0, "
            "whichever the method uses."
        )


def check_method(method: Method) -> None:
    """Checks that the parts of a row of the method table fit together.

    Raises:
        SettingsError: If its RL gradient is unknown, or does not work with its policy.
    """
    if method.gradient is None:
        return
    if method.gradient not in GRADIENTS:
        raise SettingsError(f"Method {method.name}: there is no RL gradient {method.gradient!r}.")
    gradient = GRADIENTS[method.gradient]
    if method.policy not in gradient.policies:
        raise SettingsError(
            f"Method {method.name}: the {gradient.__name__} gradient needs a {' or '.join(gradient.policies)} policy, "
            f"not a {method.policy} one."
        )
