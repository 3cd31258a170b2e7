"""Which settings a method uses; setting another one for it makes no sense, and is refused with the reason."""

from collections.abc import Iterable

from vitamin.algorithms.coefficients import loss_coefficients
from vitamin.algorithms.gradients import GRADIENTS
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import Method, Phase
from vitamin.algorithms.readers import why_unread
from vitamin.errors import SettingsError


def ignored_settings(method: Method) -> dict[str, str]:
    """Hyperparameters without influence on the method's results, each with the reason as half a sentence."""
    reasons = {name: why_unread(method, name) for name in Hyperparameters.model_fields}
    return {name: reason for name, reason in reasons.items() if reason is not None}


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
    if settings.critic_network != "mlp" and settings.context_length == 1:
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
