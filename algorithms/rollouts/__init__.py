"""Episodes of a policy in environments, several side by side."""
