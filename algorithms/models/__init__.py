"""Networks: the decision transformer policy, the reflective critics, and what they are made of."""
