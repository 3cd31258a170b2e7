"""Settings that RLlib's own methods take: read, or refused with what to use instead.

RLlib's configs take every setting of every algorithm. One that nothing here reads would change nothing without a word,
so only those of `READ` are taken; the others, and whatever a later version of Ray adds, are refused by name.
"""

import inspect
from collections.abc import Mapping

from ray.rllib.algorithms.algorithm_config import AlgorithmConfig, NotProvided

METHODS = tuple(
    name
    for name, method in vars(AlgorithmConfig).items()
    if not name.startswith("_")
    and inspect.isfunction(method)
    and any(parameter.default is NotProvided for parameter in inspect.signature(method).parameters.values())
)
"""RLlib's methods that set something: ``environment``, ``env_runners``, ..."""

READ: Mapping[str, str] = {
    "environment": "env",
    "env_runners": "env_runner_cls num_env_runners num_cpus_per_env_runner"
    " num_gpus_per_env_runner custom_resources_per_env_runner validate_env_runners_after_construction sample_timeout_s",
    "learners": "learner_class num_learners num_cpus_per_learner num_gpus_per_learner custom_resources_per_learner"
    " local_gpu_idx",
    "resources": "num_cpus_for_main_process custom_resources_for_main_process placement_strategy",
    "callbacks": "callbacks_class on_algorithm_init on_train_result on_evaluate_start on_evaluate_end"
    " on_env_runners_recreated on_checkpoint_loaded",
    "fault_tolerance": "restart_failed_env_runners ignore_env_runner_failures max_num_env_runner_restarts"
    " delay_between_env_runner_restarts_s env_runner_health_probe_timeout_s env_runner_restore_timeout_s",
    "debugging": "log_level seed",
    "reporting": "custom_stats_cls_lookup",
    # These three can be given as they are in any case.
    "framework": "framework",
    "api_stack": "enable_rl_module_and_learner enable_env_runner_and_connector_v2",
}
"""Parameters of RLlib's methods that have an effect, separated by spaces."""

_OLD_STACK = "it belongs to RLlib's old API stack"
_TENSORFLOW = "it belongs to TensorFlow"
_BATCHES = "the learner samples from its own replay: use training(batch_size=..., updates_per_iteration=...)"
_CONNECTORS = "there are no connectors: observations are normalized with the statistics of the offline data"
_UPDATES = "the learner makes its updates itself, not with RLlib's update loop"
_ENVIRONMENT = "register the environment in the form that it shall have, for example with a gymnasium.Wrapper"
_EVALUATION = (
    "evaluations are made by the env runners with the mean action: use"
    " training(eval_interval=..., eval_episodes=..., eval_target_return=...)"
)
_IN_RUNNERS = (
    "env runners call no callbacks: use a gymnasium.Wrapper, or on_train_result and Algorithm.record"
)
_OFFLINE = "offline data come with environment(TASK, data=FILE) or offline_data(dataset_loader=...)"
_OUTPUT = "`vitamin data export RUN --to FILE` writes what a run collected"
_ONE_AGENT = "there is one agent with one policy"
_ITERATIONS = (
    "an iteration is as long as training(min_env_steps_per_iteration=..., updates_per_iteration=...) says"
)
_CHECKPOINTS = "a checkpoint always holds the whole state, as safetensors and JSON"
_NETWORKS = "networks are described by training(hidden_size=..., num_layers=..., critic_hidden_size=..., ...)"
_RENAMED = "it has another name in this version of Ray"

REFUSED: Mapping[str, Mapping[str, str]] = {
    "environment": {
        "env_config": "register the environment with its arguments, gymnasium.register(..., kwargs={...}), or give"
        " environment(environment_creator=...)",
        "observation_space action_space": "spaces are those of the environment",
        "clip_rewards": "use training(reward_shift=..., reward_divisor=...), or " + _ENVIRONMENT,
        "normalize_actions clip_actions": "environments are made with actions in [-1, 1]",
        "is_atari action_mask_key": "observations are vectors and actions continuous",
        "render_env": "use `vitamin evaluate RUN --video FILE`",
        "disable_env_checking": "RLlib's check is not made",
        "env_task_fn": _OLD_STACK,
    },
    "env_runners": {
        "explore": "rollouts explore, evaluations do not: use training(exploration_noise=0)",
        "exploration_config": "use training(exploration_noise=...)",
        "rollout_fragment_length batch_mode": "rollouts are whole episodes: use"
        " training(min_env_steps_per_iteration=..., envs_per_unit=...)",
        "env_to_module_connector module_to_env_connector add_default_connectors_to_env_to_module_pipeline"
        " add_default_connectors_to_module_to_env_pipeline episode_lookback_horizon merge_env_runner_states"
        " broadcast_env_runner_states use_env_runner_state_server env_runner_state_server_max_concurrency"
        " episodes_to_numpy compress_observations": _CONNECTORS,
        "observation_filter preprocessor_pref use_worker_filter_stats update_worker_filter_stats synchronize_filter": (
            _CONNECTORS
        ),
        "num_envs_per_env_runner": "it is called envs_per_unit, and set by env_runners(num_envs_per_env_runner=...)",
        "gym_env_vectorize_mode": "an env runner steps its environments itself, one after the other",
        "max_requests_in_flight_per_env_runner": "an env runner has one work unit at a time",
        "create_local_env_runner": "there is one if num_env_runners is 0",
        "create_env_on_local_worker sample_collector remote_worker_envs remote_env_batch_wait_ms enable_connectors"
        " sampler_perf_stats_ema_coef": _OLD_STACK,
        "enable_tf1_exec_eagerly": _TENSORFLOW,
        "restart_failed_sub_environments": "an env runner whose environment fails is an error of the environment",
        "num_rollout_workers num_envs_per_worker validate_workers_after_construction ignore_worker_failures"
        " recreate_failed_workers num_consecutive_worker_failures_tolerance worker_health_probe_timeout_s"
        " worker_restore_timeout_s": _RENAMED,
    },
    "learners": {
        "num_aggregator_actors_per_learner max_requests_in_flight_per_aggregator_actor"
        " max_requests_in_flight_per_learner": "whole episodes go to the learners directly",
        "learner_connector add_default_connectors_to_learner_pipeline": _CONNECTORS,
        "learner_config_dict": "give a learner_class of your own a config class of your own",
    },
    "training": {
        "gamma": "it is called discount",
        "lr": "it is called learning_rate",
        "grad_clip": "it is called gradient_clip",
        "grad_clip_by": "gradient_clip is the norm of the policy's whole gradient",
        "train_batch_size train_batch_size_per_learner minibatch_size": "it is called batch_size",
        "num_epochs num_sgd_iter": "it is called updates_per_iteration",
        "shuffle_batch_per_epoch": _BATCHES,
        "model": _NETWORKS,
        "optimizer": "use training(learning_rate=..., weight_decay=..., critic_learning_rate=..., ...)",
        "learner_class": "use learners(learner_class=...)",
        "num_aggregator_actors_per_learner max_requests_in_flight_per_aggregator_actor"
        " max_requests_in_flight_per_sampler_worker": "whole episodes go to the learners directly",
        "learner_connector add_default_connectors_to_learner_pipeline": _CONNECTORS,
        "learner_config_dict": "give a learner_class of your own a config class of your own",
    },
    "callbacks": {
        "on_environment_created on_episode_created on_episode_start on_episode_step on_episode_end on_sample_end": (
            _IN_RUNNERS
        ),
        "on_evaluate_offline_start on_evaluate_offline_end on_offline_eval_runners_recreated": _EVALUATION,
    },
    "evaluation": {
        "evaluation_interval": "use training(eval_interval=...), in iterations",
        "evaluation_duration evaluation_duration_unit evaluation_auto_duration_min_env_steps_per_sample"
        " evaluation_auto_duration_max_env_steps_per_sample": "use training(eval_episodes=...)",
        "evaluation_sample_timeout_s": "use env_runners(sample_timeout_s=...)",
        "evaluation_num_env_runners evaluation_num_workers evaluation_parallel_to_training"
        " evaluation_unhealthy_workers_timeout_s evaluation_error_after_n_consecutive_skips"
        " evaluation_force_reset_envs_before_iteration evaluation_config": _EVALUATION,
        "custom_evaluation_function": "override OfflineToOnline.run_evaluation",
        "off_policy_estimation_methods ope_split_batch_by_episode always_attach_evaluation_results": _OLD_STACK,
        "offline_evaluation_interval num_offline_eval_runners offline_evaluation_type offline_eval_runner_class"
        " offline_loss_for_module_fn offline_eval_batch_size_per_runner dataset_num_iters_per_offline_eval_runner"
        " offline_eval_rl_module_inference_only num_cpus_per_offline_eval_runner num_gpus_per_offline_eval_runner"
        " custom_resources_per_offline_eval_runner offline_evaluation_timeout_s"
        " max_requests_in_flight_per_offline_eval_runner broadcast_offline_eval_runner_states"
        " validate_offline_eval_runners_after_construction restart_failed_offline_eval_runners"
        " ignore_offline_eval_runner_failures max_num_offline_eval_runner_restarts"
        " offline_eval_runner_health_probe_timeout_s offline_eval_runner_restore_timeout_s": _EVALUATION,
    },
    "offline_data": {
        "input_ offline_data_class input_read_method input_read_method_kwargs input_read_schema input_read_episodes"
        " input_read_sample_batches input_read_batch_size input_filesystem input_filesystem_kwargs"
        " input_compress_columns materialize_data materialize_mapped_data map_batches_kwargs iter_batches_kwargs"
        " ignore_final_observation prelearner_class prelearner_buffer_class prelearner_buffer_kwargs"
        " prelearner_module_synch_period prelearner_use_recorded_module_states dataset_num_iters_per_learner"
        " input_config actions_in_input_normalized postprocess_inputs shuffle_buffer_size offline_sampling": _OFFLINE,
        "output output_config output_compress_columns output_max_file_size output_max_rows_per_file"
        " output_write_remaining_data output_write_method output_write_method_kwargs output_filesystem"
        " output_filesystem_kwargs output_write_episodes": _OUTPUT,
    },
    "multi_agent": {
        "policies policy_map_capacity policy_mapping_fn policies_to_train policy_states_are_swappable observation_fn"
        " count_steps_by algorithm_config_overrides_per_module replay_mode policy_map_cache": _ONE_AGENT,
    },
    "reporting": {
        "min_time_s_per_iteration min_train_timesteps_per_iteration min_sample_timesteps_per_iteration": _ITERATIONS,
        "metrics_num_episodes_for_smoothing keep_per_episode_custom_metrics metrics_episode_collection_timeout_s": (
            "rollout metrics are means over the episodes of the iteration"
        ),
        "log_gradients": "norms of gradients are always among the metrics",
    },
    "checkpointing": {"export_native_model_files checkpoint_trainable_policies_only": _CHECKPOINTS},
    "debugging": {
        "log_sys_usage": "use Ray's dashboard",
        "fake_sampler": _OLD_STACK,
    },
    "fault_tolerance": {
        "restart_failed_sub_environments": "an env runner whose environment fails is an error of the environment",
        "num_consecutive_env_runner_failures_tolerance": "a rollout that kills five env runners ends the run",
        "recreate_failed_env_runners ignore_worker_failures recreate_failed_workers max_num_worker_restarts"
        " delay_between_worker_restarts_s num_consecutive_worker_failures_tolerance worker_health_probe_timeout_s"
        " worker_restore_timeout_s": _RENAMED,
    },
    "rl_module": {
        "model_config rl_module_spec model_config_dict": _NETWORKS,
        "algorithm_config_overrides_per_module": _ONE_AGENT,
        "_enable_rl_module_api": _RENAMED,
    },
    "experimental": {
        "_validate_config": "a setting that is wrong has no meaning here",
        "_use_msgpack_checkpoints": _CHECKPOINTS,
        "_torch_grad_scaler_class _torch_lr_scheduler_classes": _UPDATES,
        "_tf_policy_handles_more_than_one_loss": _TENSORFLOW,
        "_disable_preprocessor_api _disable_action_flattening _disable_initialize_loss_from_dummy_batch": _OLD_STACK,
    },
    "framework": {
        "eager_tracing eager_max_retraces tf_session_args local_tf_session_args": _TENSORFLOW,
        "torch_compile_learner torch_compile_learner_what_to_compile torch_compile_learner_dynamo_mode"
        " torch_compile_learner_dynamo_backend torch_compile_worker torch_compile_worker_dynamo_backend"
        " torch_compile_worker_dynamo_mode": "networks are not compiled",
        "torch_ddp_kwargs": "learners average their gradients themselves",
        "torch_skip_nan_gradients": "a loss that is not finite ends the run as diverged",
    },
    "resources": {
        "num_gpus _fake_gpus": "use learners(num_gpus_per_learner=...)",
        "num_cpus_per_worker num_gpus_per_worker custom_resources_per_worker num_learner_workers"
        " num_cpus_per_learner_worker num_gpus_per_learner_worker local_gpu_idx num_cpus_for_local_worker": _RENAMED,
    },
    "python_environment": {
        "extra_python_environs_for_driver extra_python_environs_for_worker": (
            "use ray.init(runtime_env={'env_vars': {...}})"
        ),
    },
}
"""Reasons and advice, for parameters of RLlib's methods that are separated by spaces."""


def reason(method: str, parameter: str) -> str:
    """Why a parameter of a method of RLlib is refused, and what to use instead; empty if that is not written down."""
    reasons = REFUSED.get(method, {})
    return next((text for names, text in reasons.items() if parameter in names.split()), "")
