"""What the paper's §3.3 claims of return-conditioned policies, computed: Lemma 2, Corollary 1 and its consequence."""
