"""Every setting of training, with the paper's MuJoCo values as defaults (Appendix, tables of hyperparameters)."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from vitamin.algorithms.setting_types import (
    Count,
    CriticNetwork,
    NonNegativeFloat,
    NonNegativeInt,
    Number,
    PositiveFloat,
    PositiveInt,
    RewardDelay,
    Threads,
    setting,
)
from vitamin.errors import shown

_MOST_DESCRIBED = 5


class Hyperparameters(BaseModel):
    """Everything that ``--set key=value``, a sweep's axes and ``TD3ODTConfig().training(...)`` can set.

    Each is declared with its default, its meaning and its readers (`setting`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # The policy
    context_length: PositiveInt = setting(20, "K (T_train): steps of a training segment", "policy")
    eval_context_length: PositiveInt = setting(
        5, "T_eval: steps of context in rollouts, at most K", "rollouts", "evaluation"
    )
    hidden_size: PositiveInt = setting(
        512, "H: width of the transformer, or of a perceptron's two layers", "policy"
    )
    num_layers: PositiveInt = setting(4, "transformer blocks", "transformer")
    num_heads: PositiveInt = setting(4, "attention heads; divides hidden_size", "transformer")
    dropout: Number = setting(
        0.1,
        "dropout in attention and residual branches; of a perceptron after hidden layers",
        "policy",
        ge=0,
        lt=1,
    )
    embedding_dropout: Number = setting(
        0.1, "dropout after the embedding LayerNorm", "transformer", ge=0, lt=1
    )
    return_conditioning: bool = setting(
        True, "False: all returns-to-go are 0 to the policy, which then clones behaviour", "returns_to_go"
    )
    timestep_embedding: bool = setting(
        False, "add a learned embedding of the timestep to all tokens (ordering)", "transformer"
    )
    max_timestep: PositiveInt = setting(1000, "size of the timestep embedding", "transformer")

    # The critics
    critic_members: PositiveInt = setting(
        2, "Q functions of the ensemble; targets take the smallest", "q_functions"
    )
    critic_subset: NonNegativeInt = setting(
        0,
        "M (REDQ): targets take the smallest of M members drawn at random, and the actor follows the"
        " mean of all; 0: all members",
        "several_q_functions",
        "gradient",
    )
    critic_network: CriticNetwork = setting(
        "mlp",
        "rnn, lstm: Q functions that read the segment up to the action",
        "segments",
        "recurrent_critics",
    )
    critic_hidden_size: PositiveInt = setting(
        256,
        "width of the two hidden layers of each critic, or of the three of a recurrent one",
        "rl_gradient",
    )
    critic_layer_norm: bool = setting(
        False,
        "LayerNorm without affine after each linear layer of the critics, or the last recurrent one",
        "rl_gradient",
    )

    # Actor loss and optimizer
    rl_coefficient: NonNegativeFloat = setting(
        0.1, "alpha: weight of the RL term in the online actor loss (Eq. 2)", "rl_gradient"
    )
    pretrain_rl_coefficient: NonNegativeFloat | Literal["online"] = setting(
        0.0, "alpha during pretraining; online: rl_coefficient", "value_of_replay"
    )
    supervised_coefficient: NonNegativeFloat = setting(
        1.0, "weight of the supervised term in the online actor loss (Eq. 2)", "supervised_term"
    )
    pretrain_supervised_coefficient: NonNegativeFloat | Literal["online"] = setting(
        1.0,
        "its weight during pretraining; online: as online, 0 for a method whose RL term is alone",
        "losses",
    )
    normalize_rl_coefficient: bool = setting(
        False, "divide alpha by the batch mean of |Q|, as TD3+BC does", "gradient"
    )
    action_regularization: NonNegativeFloat = setting(
        0.0,
        "online, weight of the mean squared distance of the policy's actions to the pretrained policy's",
        "reference_policy",
    )
    learning_rate: PositiveFloat = setting(
        1e-4, "step size of the policy (LAMB; Adam for a perceptron)", "optimizer"
    )
    weight_decay: NonNegativeFloat = setting(5e-4, "LAMB weight decay of the policy", "transformer")
    warmup_updates: NonNegativeInt = setting(
        10_000, "linear warm-up of the policy's step size, actor updates", "optimizer"
    )
    gradient_clip: PositiveFloat = setting(
        0.25, "norm at which the policy's gradient is clipped; 1 at most", "transformer"
    )
    initial_temperature: PositiveFloat = setting(
        0.1, "lambda at the start: weight of the entropy (stochastic policy)", "entropy"
    )
    temperature_learning_rate: PositiveFloat = setting(1e-4, "Adam step size of log lambda", "entropy")

    # Critic loss and optimizer
    discount: Number = setting(0.99, "gamma", "losses", ge=0, le=1)
    critic_learning_rate: PositiveFloat = setting(1e-3, "AdamW step size of the critics", "rl_gradient")
    critic_weight_decay: NonNegativeFloat = setting(0.01, "AdamW weight decay of the critics", "rl_gradient")
    tau: Number = setting(0.005, "step of the soft target updates", "soft_targets", gt=0, le=1)
    target_policy_noise: NonNegativeFloat = setting(
        0.2, "sigma: std of the target smoothing noise (Eq. 3)", "gradient"
    )
    target_noise_clip: NonNegativeFloat = setting(
        0.5, "c: clip of the target smoothing noise (Eq. 3)", "smoothing_noise", "gradient"
    )
    actor_update_interval: PositiveInt = setting(
        2, "critic updates per actor update (delayed updates)", "rl_gradient"
    )

    # Future conditioning (pdt)
    latent_size: PositiveInt = setting(16, "Z: width of the latent future", "futures")
    future_length: PositiveInt = setting(
        20, "F: steps after a segment that the future encoder reads", "futures"
    )
    latent_kl_coefficient: NonNegativeFloat = setting(
        1.0, "beta: weight of the future encoder's divergence, a mean over the latent's components", "futures"
    )
    latent_reference: Literal["standard_normal", "prior"] = setting(
        "standard_normal",
        "what beta holds q(z|future) to: N(0, 1), while the prior p(z|s) follows q; or p itself",
        "futures",
    )
    num_latent_samples: PositiveInt = setting(
        256, "M: samples of the prior among which the highest predicted return is chosen", "futures"
    )
    warmup_env_steps: NonNegativeInt = setting(
        10_000, "environment steps, without choosing, before the return predictor is trained", "futures"
    )
    return_warmup_updates: NonNegativeInt = setting(
        1500, "updates of the return predictor alone after these steps", "futures"
    )
    return_warmup_learning_rate: PositiveFloat = setting(
        1e-3, "Adam step size of the return predictor in these updates", "futures"
    )

    # Values and advantages
    expectile: Number = setting(
        0.7, "IQL: V is this expectile of Q over the data's actions", "gradient", gt=0, lt=1
    )
    inverse_temperature: PositiveFloat = setting(
        1.0, "beta: actions are weighted with exp(beta * advantage)", "gradient"
    )
    max_advantage_weight: PositiveFloat = setting(20.0, "largest of these weights", "gradient")
    normalize_advantages: bool = setting(
        False, "AWR: advantages are standardized in a batch; AWAC: its weights sum to 1", "gradient"
    )
    awac_entropy: Literal["none", "critic", "both"] = setting(
        "none",
        "AWAC: where the entropy counts, nowhere, in the critics' target, in the actor loss too",
        "gradient",
    )
    clip_ratio: Number = setting(0.2, "PPO: clip of the likelihood ratio around 1", "gradient", gt=0, lt=1)
    old_log_probs: Literal["recorded", "recomputed"] = setting(
        "recorded",
        "PPO: what ratios are against, likelihoods recorded in rollouts or recomputed on segments",
        "gradient",
    )
    td_lambda: Number = setting(
        0.98, "PPO, AWR: lambda of the TD(lambda) targets of V", "gradient", ge=0, le=1
    )

    # Groups of sub-trajectories (grpo)
    group_size: Count = setting(8, "G: sub-trajectories from each reset state", "groups", ge=2)
    reset_states: PositiveInt = setting(
        8, "states drawn for resets per whole episode of a work unit", "groups"
    )
    subtrajectory_length: PositiveInt = setting(20, "L: most steps of a sub-trajectory", "groups")
    uncertainty_exponent: NonNegativeFloat = setting(
        1.0, "reset states are drawn in proportion to this power of the action variance", "groups"
    )
    group_batch_size: PositiveInt = setting(
        32, "sub-trajectories per update, over all learners together", "groups"
    )
    group_learning_rate: PositiveFloat = setting(
        3e-4, "LAMB step size of the policy online, where it learns from groups", "groups"
    )
    group_ratio_clip: PositiveFloat = setting(
        0.05, "largest distance from 1 at which a likelihood ratio still has a gradient", "groups"
    )
    group_entropy_coefficient: NonNegativeFloat = setting(
        0.003, "weight of the entropy beside the group-relative policy gradient", "groups"
    )

    # Data
    batch_size: PositiveInt = setting(256, "B: segments per update, over all learners together", "replay")
    replay_capacity: PositiveInt = setting(
        1000,
        "trajectories in the replay online, at first the best of the offline data; pretraining has all",
        "trajectory_replay",
    )
    transition_capacity: PositiveInt = setting(
        2_000_000,
        "steps in the replay of a perceptron online, at first all of the offline data",
        "transition_replay",
    )
    return_scale: PositiveFloat = setting(
        1e-3, "factor on returns-to-go before they enter the model", "scaled_returns"
    )
    reward_divisor: PositiveFloat = setting(1.0, "rewards are divided by this, offline and online", "replay")
    reward_shift: Number = setting(0.0, "added to each reward before the division", "replay")
    reward_delay: RewardDelay = setting(
        0,
        "steps after which rewards are received together, offline and online; 0: at once; episode: its end",
        "replay",
    )

    # Rollouts and evaluation
    online_target_return: Number = setting(
        7200.0, "return-to-go at the start of online rollouts, scaled-reward units", "returns_to_go"
    )
    eval_target_return: Number = setting(
        3600.0, "return-to-go at the start of evaluation, scaled-reward units", "returns_to_go"
    )
    exploration_noise: NonNegativeFloat = setting(
        0.1, "std of the noise on the deterministic policy's actions", "deterministic_policy"
    )
    min_env_steps_per_iteration: NonNegativeInt = setting(
        0, "roll out until this many steps; at least one unit", "rollouts"
    )
    envs_per_unit: PositiveInt = setting(
        1, "W: episodes rolled out together in one batched forward (a work unit)", "rollouts"
    )
    eval_interval: PositiveInt = setting(10, "iterations between evaluations", "evaluation")
    eval_episodes: PositiveInt = setting(10, "episodes of an evaluation", "evaluation")
    eval_envs_per_unit: PositiveInt = setting(
        5, "episodes evaluated together in one batched forward", "evaluation"
    )
    rollout_threads: Threads = setting(
        1, "torch threads of an env runner; belongs to the result's last bits", "rollouts"
    )

    # Curricula of online rollouts
    jump_start_steps: NonNegativeInt = setting(
        0,
        "jump-start RL: number of first steps of each online episode that the pretrained policy takes, fewer"
        " and fewer over curriculum_share; 0: none",
        "jump_start",
    )
    curriculum_target_return: Number | None = setting(
        None,
        "online_target_return as the online phase begins; the usual one is reached over curriculum_share",
        "returns_to_go",
    )
    curriculum_share: Number = setting(
        0.5, "share of online_steps after which both curricula are over", "curriculum", gt=0, le=1
    )

    # Schedule
    pretrain_updates: NonNegativeInt = setting(5000, "actor updates of the pretraining phase", "schedule")
    pretrain_updates_per_iteration: PositiveInt = setting(
        500, "actor updates of one pretraining iteration", "schedule"
    )
    updates_per_iteration: PositiveInt = setting(300, "actor updates of one online iteration", "schedule")
    update_to_data_ratio: NonNegativeFloat = setting(
        0.0,
        "critic updates (actor updates without critics) of an online iteration per environment step of its"
        " rollouts, in place of updates_per_iteration; 0: that",
        "schedule",
    )
    online_steps: NonNegativeInt = setting(500_000, "environment steps of the online phase", "schedule")

    # Where the published code departs from what one would write; the paper preset follows the code
    bootstrap_at_time_limit: bool = setting(
        False, "False: the last online step of a time-limited episode counts as terminal", "rl_gradient"
    )
    critic_loss_over_padding: bool = setting(
        True, "True: divide the critic loss by B*K, padded positions included", "segments", "q_functions"
    )
    target_attends_padding: bool = setting(
        True, "True: the target policy attends to padded positions", "segments", "target_policy", "gradient"
    )
    critic_reads_padding: bool = setting(
        True,
        "True: recurrent critics read padded positions too, before the real ones",
        "segments",
        "recurrent_critics",
    )
    entropy_over_padding: bool = setting(
        True, "True: the entropy is averaged over padded positions too", "entropy"
    )
    normalizer_over_padding: bool = setting(
        True, "True: the mean |Q| of normalize_rl_coefficient is over padding too", "segments", "gradient"
    )
    advantage_losses_over_padding: bool = setting(
        True,
        "True: IQL's loss of V, AWR's losses and AWAC's normalized weights count padding too",
        "segments",
        "gradient",
    )
    published_value_pretraining: bool = setting(
        True,
        "True: V of PPO and AWR is pretrained by undiscounted residual gradients, padding included",
        "gradient",
    )
    published_entropy: bool = setting(
        True,
        "True: the supervised term has its entropy bonus in both phases beside IQL, in neither beside SAC,"
        " AWAC, PPO and AWR; False: wherever the RL term is not",
        "entropy",
        "rl_gradient",
    )
    drop_worst_trajectory: bool = setting(
        True, "True: leave the offline trajectory of lowest return out", "ranked_trajectories"
    )
    drop_trivial_trajectories: bool = setting(
        False, "True: leave offline trajectories of one step out, but for the first nine", "replay"
    )
    bootstrap_at_offline_cuts: bool = setting(
        True, "False: the last step of each offline trajectory counts as terminal", "rl_gradient"
    )
    amplify_constant_observations: bool = setting(
        True,
        "True: observation components that are constant in the data are divided by 1e-6; False: by 1",
        "replay",
    )

    # Arithmetic
    precision: Literal["float32", "bfloat16"] = setting(
        "float32", "bfloat16: autocast in the learner", "arithmetic"
    )
    learner_threads: Threads = setting(
        2, "torch threads of a learner on the CPU; belongs to the result's last bits", "arithmetic"
    )

    @model_validator(mode="after")
    def _consistent(self) -> "Hyperparameters":
        if self.eval_context_length > self.context_length:
            raise ValueError(
                f"eval_context_length {self.eval_context_length} exceeds context_length {self.context_length}"
            )
        if self.critic_subset > self.critic_members:
            raise ValueError(
                f"critic_subset {self.critic_subset} exceeds critic_members {self.critic_members}"
            )
        if self.hidden_size % self.num_heads:
            raise ValueError(f"num_heads {self.num_heads} does not divide hidden_size {self.hidden_size}")
        return self


def describe_errors(error: ValidationError) -> str:
    """The invalid fields of a pydantic validation error, the first ones: key, what is wrong, what was given."""
    parts = []
    for item in error.errors()[:_MOST_DESCRIBED]:
        key = ".".join(str(part) for part in item["loc"])
        given = f" (got {shown(item['input'])})" if key else ""
        parts.append(f"{key + ': ' if key else ''}{item['msg'].removeprefix('Value error, ')}{given}")
    more = error.error_count() - len(parts)
    return "; ".join([*parts, f"and {more} more"] if more else parts)
