"""The future encoder q(z|future) of PDT (Xie et al. 2023): what follows a segment, as a latent for each step."""

from torch import Tensor

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.models.heads import GaussianHead
from vitamin.algorithms.models.latents import DiagonalGaussian, clip_log_std
from vitamin.algorithms.models.layers import Linear
from vitamin.algorithms.models.layout import TokenLayout, dense_layout, skip_layout
from vitamin.algorithms.models.transformer import CausalTransformer

_TOKENS_OF_A_STEP = 2


class FutureEncoder(CausalTransformer):
    """Reads the F steps that follow a segment, s_1 a_1 s_2 a_2 ..., and gives a latent at each action token.

    The latent of the j-th last step of the segment is that of the j-th last future step, and so knows the future up to
    there: the last step's latent knows all of it, earlier ones a part. Where there is no such future step, past the
    trajectory's end or because F < K, nothing is known and the latent is standard normal.
    """

    def __init__(self, observation_size: int, action_size: int, hyperparameters: Hyperparameters) -> None:
        super().__init__()
        width = hyperparameters.hidden_size
        self.latent_size = hyperparameters.latent_size
        self.embed_state = Linear(observation_size, width)
        self.embed_action = Linear(action_size, width)
        self._add_blocks(hyperparameters, _TOKENS_OF_A_STEP * hyperparameters.future_length)
        self.head = GaussianHead(width, hyperparameters.latent_size, clip_log_std)

    def forward(self, states: Tensor, actions: Tensor, mask: Tensor, steps: int) -> DiagonalGaussian:
        """The distribution q of the latents of a segment's K = ``steps`` steps.

        Args:
            states: (B, F, S), normalized.
            actions: (B, F, A).
            mask: bool (B, F), True where real; padding is on the left.
            steps: K.

        Returns:
            A distribution over (B, K, Z).
        """
        B, F = mask.shape
        known = min(F, steps)
        parts = states.new_zeros(B, steps, 2 * self.latent_size)
        if not bool(mask.any()):
            return DiagonalGaussian.of(parts)
        layout: TokenLayout
        if bool(mask.all()):
            layout = dense_layout(B, F, self.causal_bias, _TOKENS_OF_A_STEP)
        else:
            layout = skip_layout(mask, self.causal_bias, _TOKENS_OF_A_STEP)
        embedded = [
            self.embed_state(layout.take_steps(states)),
            self.embed_action(layout.take_steps(actions)),
        ]
        read = self.head(self._read(embedded, layout)).to(states.dtype)
        parts[:, steps - known :] = layout.restore(read)[:, F - known :]
        return DiagonalGaussian.of(parts)
