"""One learner and one worker in lockstep or alone: all that training takes but the processes, which `rllib` adds."""
