"""The binding to Ray: config, algorithm, learner, module and env runner on RLlib's new API stack."""
