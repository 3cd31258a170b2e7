"""The paper's §3.3 on return-conditioned policies, computed: Lemma 2, Corollary 1 and its consequence."""
