"""Every setting of training, with the paper's MuJoCo values as defaults (Appendix, tables of hyperparameters)."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vitamin.algorithms.setting_types import (
    Count,
    NonNegativeFloat,
    NonNegativeInt,
    Number,
    PositiveFloat,
    PositiveInt,
    RewardDelay,
    Threads,
)
from vitamin.errors import shown

_MOST_DESCRIBED = 5


class Hyperparameters(BaseModel):
    """What can be set with ``--set key=value``, in a sweep's axes, and in ``TD3ODTConfig().training(...)``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # The policy
    context_length: PositiveInt = Field(20, description="K (T_train): steps of a training segment")
    eval_context_length: PositiveInt = Field(5, description="T_eval: steps of context in rollouts, at most K")
    hidden_size: PositiveInt = Field(
        512, description="H: width of the transformer, or of a perceptron's two layers"
    )
    num_layers: PositiveInt = Field(4, description="transformer blocks")
    num_heads: PositiveInt = Field(4, description="attention heads; divides hidden_size")
    dropout: Number = Field(
        0.1,
        ge=0,
        lt=1,
        description="dropout in attention and residual branches; of a perceptron after hidden layers",
    )
    embedding_dropout: Number = Field(0.1, ge=0, lt=1, description="dropout after the embedding LayerNorm")
    return_conditioning: bool = Field(
        True, description="False: all returns-to-go are 0 to the policy, which then clones behaviour"
    )
    timestep_embedding: bool = Field(
        False, description="add a learned embedding of the timestep to all tokens (ordering)"
    )
    max_timestep: PositiveInt = Field(1000, description="size of the timestep embedding")

    # The critics
    critic_members: PositiveInt = Field(
        2, description="Q functions of the ensemble; targets take the smallest"
    )
    critic_subset: NonNegativeInt = Field(
        0,
        description="M (REDQ): targets take the smallest of so many members drawn at random, and the actor follows the"
        " mean of all; 0: all members",
    )
    critic_network: Literal["perceptron", "rnn", "lstm"] = Field(
        "perceptron", description="rnn, lstm: Q functions that read the segment up to the action"
    )
    critic_hidden_size: PositiveInt = Field(
        256, description="width of the two hidden layers of each critic, or of the three of a recurrent one"
    )
    critic_layer_norm: bool = Field(
        False,
        description="LayerNorm without affine after each linear layer of the critics, or the last recurrent one",
    )

    # Actor loss and optimizer
    rl_coefficient: NonNegativeFloat = Field(
        0.1, description="alpha: weight of the RL term in the online actor loss (Eq. 2)"
    )
    pretrain_rl_coefficient: NonNegativeFloat | Literal["online"] = Field(
        0.0, description="alpha during pretraining; online: rl_coefficient"
    )
    supervised_coefficient: NonNegativeFloat = Field(
        1.0, description="weight of the supervised term in the online actor loss (Eq. 2)"
    )
    pretrain_supervised_coefficient: NonNegativeFloat | Literal["online"] = Field(
        1.0,
        description="its weight during pretraining; online: as online, 0 for a method whose RL term is alone",
    )
    normalize_rl_coefficient: bool = Field(
        False, description="divide alpha by the batch mean of |Q|, as TD3+BC does"
    )
    action_regularization: NonNegativeFloat = Field(
        0.0,
        description="online, weight of the mean squared distance of the policy's actions to the pretrained policy's",
    )
    learning_rate: PositiveFloat = Field(
        1e-4, description="step size of the policy (LAMB; Adam for a perceptron)"
    )
    weight_decay: NonNegativeFloat = Field(5e-4, description="LAMB weight decay of the policy")
    warmup_updates: NonNegativeInt = Field(
        10_000, description="linear warm-up of the policy's step size, actor updates"
    )
    gradient_clip: PositiveFloat = Field(
        0.25, description="norm at which the policy's gradient is clipped; 1 at most"
    )
    initial_temperature: PositiveFloat = Field(
        0.1, description="lambda at the start: weight of the entropy (stochastic policy)"
    )
    temperature_learning_rate: PositiveFloat = Field(1e-4, description="Adam step size of log lambda")

    # Critic loss and optimizer
    discount: Number = Field(0.99, ge=0, le=1, description="gamma")
    critic_learning_rate: PositiveFloat = Field(1e-3, description="AdamW step size of the critics")
    critic_weight_decay: NonNegativeFloat = Field(0.01, description="AdamW weight decay of the critics")
    tau: Number = Field(0.005, gt=0, le=1, description="step of the soft target updates")
    target_policy_noise: NonNegativeFloat = Field(
        0.2, description="sigma: std of the target smoothing noise (Eq. 3)"
    )
    target_noise_clip: NonNegativeFloat = Field(
        0.5, description="c: clip of the target smoothing noise (Eq. 3)"
    )
    actor_update_interval: PositiveInt = Field(
        2, description="critic updates per actor update (delayed updates)"
    )

    # Future conditioning (pdt)
    latent_size: PositiveInt = Field(16, description="Z: width of the latent future")
    future_length: PositiveInt = Field(
        20, description="F: steps after a segment that the future encoder reads"
    )
    latent_kl_coefficient: NonNegativeFloat = Field(
        1.0,
        description="beta: weight of the future encoder's divergence, a mean over the latent's components",
    )
    latent_reference: Literal["standard_normal", "prior"] = Field(
        "standard_normal",
        description="what beta holds q(z|future) to: N(0, 1), while the prior p(z|s) follows q; or p itself",
    )
    num_latent_samples: PositiveInt = Field(
        256, description="M: samples of the prior among which the highest predicted return is chosen"
    )
    warmup_env_steps: NonNegativeInt = Field(
        10_000, description="environment steps, without choosing, before the return predictor is trained"
    )
    return_warmup_updates: NonNegativeInt = Field(
        1500, description="updates of the return predictor alone after these steps"
    )
    return_warmup_learning_rate: PositiveFloat = Field(
        1e-3, description="Adam step size of the return predictor in these updates"
    )

    # Values and advantages
    expectile: Number = Field(
        0.7, gt=0, lt=1, description="IQL: V is this expectile of Q over the data's actions"
    )
    inverse_temperature: PositiveFloat = Field(
        1.0, description="beta: actions are weighted with exp(beta * advantage)"
    )
    max_advantage_weight: PositiveFloat = Field(20.0, description="largest of these weights")
    normalize_advantages: bool = Field(
        False, description="AWR: advantages are standardized in a batch; AWAC: its weights sum to 1"
    )
    awac_entropy: Literal["none", "critic", "both"] = Field(
        "none",
        description="AWAC: where the entropy counts, nowhere, in the critics' target, in the actor loss too",
    )
    clip_ratio: Number = Field(0.2, gt=0, lt=1, description="PPO: clip of the likelihood ratio around 1")
    old_log_probs: Literal["recorded", "recomputed"] = Field(
        "recorded",
        description="PPO: what ratios are against, likelihoods recorded in rollouts or recomputed on segments",
    )
    td_lambda: Number = Field(0.98, ge=0, le=1, description="PPO, AWR: lambda of the TD(lambda) targets of V")

    # Groups of sub-trajectories (grpo)
    group_size: Count = Field(8, ge=2, description="G: sub-trajectories from each reset state")
    reset_states: PositiveInt = Field(
        8, description="states drawn for resets per whole episode of a work unit"
    )
    subtrajectory_length: PositiveInt = Field(20, description="L: most steps of a sub-trajectory")
    uncertainty_exponent: NonNegativeFloat = Field(
        1.0, description="reset states are drawn in proportion to this power of the action variance"
    )
    group_batch_size: PositiveInt = Field(
        32, description="sub-trajectories per update, over all learners together"
    )
    group_learning_rate: PositiveFloat = Field(
        3e-4, description="LAMB step size of the policy online, where it learns from groups"
    )
    group_ratio_clip: PositiveFloat = Field(
        0.05, description="largest distance from 1 at which a likelihood ratio still has a gradient"
    )
    group_entropy_coefficient: NonNegativeFloat = Field(
        0.003, description="weight of the entropy beside the group-relative policy gradient"
    )

    # Data
    batch_size: PositiveInt = Field(256, description="B: segments per update, over all learners together")
    replay_capacity: PositiveInt = Field(
        1000,
        description="trajectories in the replay online, at first the best of the offline data; pretraining has all",
    )
    transition_capacity: PositiveInt = Field(
        2_000_000, description="steps in the replay of a perceptron online, at first all of the offline data"
    )
    return_scale: PositiveFloat = Field(
        1e-3, description="factor on returns-to-go before they enter the model"
    )
    reward_divisor: PositiveFloat = Field(1.0, description="rewards are divided by this, offline and online")
    reward_shift: Number = Field(0.0, description="added to each reward before the division")
    reward_delay: RewardDelay = Field(
        0,
        description="steps between payments of what was earned, offline and online; 0: none; episode: its end",
    )

    # Rollouts and evaluation
    online_target_return: Number = Field(
        7200.0, description="return-to-go at the start of online rollouts, scaled-reward units"
    )
    eval_target_return: Number = Field(
        3600.0, description="return-to-go at the start of evaluation, scaled-reward units"
    )
    exploration_noise: NonNegativeFloat = Field(
        0.1, description="std of the noise on the deterministic policy's actions"
    )
    min_env_steps_per_iteration: NonNegativeInt = Field(
        0, description="roll out until this many steps; at least one unit"
    )
    envs_per_unit: PositiveInt = Field(
        1, description="W: episodes rolled out together in one batched forward (a work unit)"
    )
    eval_interval: PositiveInt = Field(10, description="iterations between evaluations")
    eval_episodes: PositiveInt = Field(10, description="episodes of an evaluation")
    eval_envs_per_unit: PositiveInt = Field(
        5, description="episodes evaluated together in one batched forward"
    )
    rollout_threads: Threads = Field(
        1, description="torch threads of an env runner; belongs to the result's last bits"
    )

    # Curricula of online rollouts
    jump_start_steps: NonNegativeInt = Field(
        0,
        description="jump-start RL: the pretrained policy takes so many first steps of each online episode, fewer and"
        " fewer over curriculum_share; 0: none",
    )
    curriculum_target_return: Number | None = Field(
        None,
        description="online_target_return as the online phase begins; the usual one is reached over curriculum_share",
    )
    curriculum_share: Number = Field(
        0.5, gt=0, le=1, description="share of online_steps after which both curricula are over"
    )

    # Schedule
    pretrain_updates: NonNegativeInt = Field(5000, description="actor updates of the pretraining phase")
    pretrain_updates_per_iteration: PositiveInt = Field(
        500, description="actor updates of one pretraining iteration"
    )
    updates_per_iteration: PositiveInt = Field(300, description="actor updates of one online iteration")
    update_to_data_ratio: NonNegativeFloat = Field(
        0.0,
        description="critic updates (actor updates without critics) of an online iteration per environment step of its"
        " rollouts, in place of updates_per_iteration; 0: that",
    )
    online_steps: NonNegativeInt = Field(500_000, description="environment steps of the online phase")

    # Where the published code departs from what one would write; the paper preset follows the code
    bootstrap_at_time_limit: bool = Field(
        False, description="False: the last online step of a time-limited episode counts as terminal"
    )
    critic_loss_over_padding: bool = Field(
        True, description="True: divide the critic loss by B*K, padded positions included"
    )
    target_attends_padding: bool = Field(
        True, description="True: the target policy attends to padded positions"
    )
    critic_reads_padding: bool = Field(
        True, description="True: recurrent critics read padded positions too, before the real ones"
    )
    entropy_over_padding: bool = Field(
        True, description="True: the entropy is averaged over padded positions too"
    )
    normalizer_over_padding: bool = Field(
        True, description="True: the mean |Q| of normalize_rl_coefficient is over padding too"
    )
    advantage_losses_over_padding: bool = Field(
        True,
        description="True: IQL's loss of V, AWR's losses and AWAC's normalized weights count padding too",
    )
    published_value_pretraining: bool = Field(
        True,
        description="True: V of PPO and AWR is pretrained by undiscounted residual gradients, padding included",
    )
    published_entropy: bool = Field(
        True,
        description="True: the supervised term has its entropy bonus in both phases beside IQL, in neither beside SAC,"
        " AWAC, PPO and AWR; False: wherever the RL term is not",
    )
    drop_worst_trajectory: bool = Field(
        True, description="True: leave the offline trajectory of lowest return out"
    )
    drop_trivial_trajectories: bool = Field(
        False, description="True: leave offline trajectories of one step out, but for the first nine"
    )
    bootstrap_at_offline_cuts: bool = Field(
        True, description="False: the last step of each offline trajectory counts as terminal"
    )
    amplify_constant_observations: bool = Field(
        True,
        description="True: observation components that are constant in the data are divided by 1e-6; False: by 1",
    )

    # Arithmetic
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="bfloat16: autocast in the learner"
    )
    learner_threads: Threads = Field(
        2, description="torch threads of a learner on the CPU; belongs to the result's last bits"
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
