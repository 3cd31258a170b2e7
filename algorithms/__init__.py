"""The learning algorithms: models, RL gradients, optimizers, replay, updates, rollouts; `rllib/` binds them to Ray."""
