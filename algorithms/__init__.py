"""What is learned and how: models, RL gradients, optimizers, replay, updates; `rllib/` binds them to Ray."""
