"""The TD3+ODT update as one would write it first, to compare with: dense, of PyTorch's own layers, loop by loop."""

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.models.networks import Networks

_MASKED = -1e4


class PlainBlock(nn.Module):
    """A transformer block that computes all tokens."""

    def __init__(self, width: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.num_heads, self.dropout = num_heads, dropout
        self.attention_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.projection = nn.Linear(width, width)
        self.mlp_norm = nn.LayerNorm(width)
        self.expansion = nn.Linear(width, 4 * width)
        self.contraction = nn.Linear(4 * width, width)

    def forward(self, tokens: Tensor, score_bias: Tensor) -> Tensor:
        """(B, L, H), (B, 1, L, L) -> (B, L, H)."""
        projected = self.query_key_value(self.attention_norm(tokens)).chunk(3, dim=-1)
        query, key, value = (x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for x in projected)
        scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1]) + score_bias
        weights = F.dropout(scores.softmax(-1), self.dropout, self.training)
        seen = (weights @ value).transpose(1, 2).flatten(2)
        tokens = tokens + F.dropout(self.projection(seen), self.dropout, self.training)
        inner = F.relu(self.expansion(self.mlp_norm(tokens)))
        return tokens + F.dropout(self.contraction(inner), self.dropout, self.training)


class PlainTransformer(nn.Module):
    """A deterministic decision transformer that computes all positions of a batch."""

    def __init__(self, S: int, A: int, settings: Hyperparameters) -> None:
        super().__init__()
        width = settings.hidden_size
        self.embed_return = nn.Linear(1, width)
        self.embed_state = nn.Linear(S, width)
        self.embed_action = nn.Linear(A, width)
        self.embedding_norm = nn.LayerNorm(width)
        self.embedding_dropout = settings.embedding_dropout
        self.blocks = nn.ModuleList(
            PlainBlock(width, settings.num_heads, settings.dropout) for _ in range(settings.num_layers)
        )
        self.final_norm = nn.LayerNorm(width)
        self.action = nn.Linear(width, A)

    def forward(self, states: Tensor, actions: Tensor, returns_to_go: Tensor, mask: Tensor) -> Tensor:
        """(B, K, S), (B, K, A), (B, K), bool (B, K) -> actions (B, K, A)."""
        B, K = mask.shape
        modalities = (
            self.embed_return(returns_to_go[..., None]),
            self.embed_state(states),
            self.embed_action(actions),
        )
        tokens = self.embedding_norm(torch.stack(modalities, dim=2).flatten(1, 2))  # (B, 3 K, H)
        tokens = F.dropout(tokens, self.embedding_dropout, self.training)
        causal = torch.ones(3 * K, 3 * K, dtype=torch.bool, device=mask.device).tril()
        visible = causal & mask.repeat_interleave(3, dim=1)[:, None, None]
        score_bias = torch.zeros(B, 1, 3 * K, 3 * K, device=mask.device).masked_fill(~visible, _MASKED)
        for block in self.blocks:
            tokens = block(tokens, score_bias)
        return torch.tanh(self.action(self.final_norm(tokens)[:, 1::3]))


class PlainTD3:
    """One critic and one actor step of TD3+ODT, beginning with the weights of ``networks``."""

    def __init__(self, networks: Networks, S: int, A: int, settings: Hyperparameters) -> None:
        self.settings = settings
        device = next(networks.parameters()).device
        self.policy = PlainTransformer(S, A, settings).to(device)
        self.policy.load_state_dict(_plain_names(networks, settings.num_layers))
        self.target_policy = copy.deepcopy(self.policy).eval()
        self.critics = nn.ModuleList(_plain_critic(networks, member) for member in range(2)).to(device)
        self.target_critics = copy.deepcopy(self.critics)
        self.critic_optimizer = torch.optim.AdamW(self.critics.parameters(), lr=settings.critic_learning_rate)
        self.moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in self.policy.parameters()]
        self.actor_updates = 0

    def update(self, batch: SegmentBatch, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Critic loss and actor loss, before the steps."""
        return self.critic_step(batch, noise), self.actor_step(batch)

    def critic_step(self, batch: SegmentBatch, noise: Tensor) -> Tensor:
        """A step on the squared Bellman errors."""
        settings = self.settings
        with torch.no_grad():
            everything = torch.ones_like(batch.mask)
            next_actions = self.target_policy(
                batch.next_states, batch.shifted_actions(), batch.returns_to_go[:, 1:], everything
            )
            clip = settings.target_noise_clip
            smoothed = next_actions + (settings.target_policy_noise * noise).clamp(-clip, clip)
            inputs = torch.cat([batch.next_states, smoothed.clamp(-1, 1)], dim=-1)
            next_values = torch.min(*(critic(inputs).squeeze(-1) for critic in self.target_critics))
            targets = batch.rewards + settings.discount * (1 - batch.terminals) * next_values
        inputs = torch.cat([batch.states, batch.actions], dim=-1)
        errors = torch.stack([(critic(inputs).squeeze(-1) - targets).square() for critic in self.critics])
        loss = (errors * batch.mask).sum(0).mean()
        self.critic_optimizer.zero_grad()
        loss.backward()
        self.critic_optimizer.step()
        return loss.detach()

    def actor_step(self, batch: SegmentBatch) -> Tensor:
        """A step on the supervised and the RL term, then the targets."""
        actions = self.policy(batch.states, batch.actions, batch.returns_to_go[:, :-1], batch.mask)
        supervised = (actions - batch.actions)[batch.mask].square().mean()
        values = self.critics[0](torch.cat([batch.states, actions], dim=-1)).squeeze(-1)
        loss: Tensor = supervised - self.settings.rl_coefficient * values[batch.mask].mean()
        self.policy.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.policy.parameters(), self.settings.gradient_clip, foreach=False)
        self._lamb_step()
        with torch.no_grad():
            for target, original in (
                (self.target_policy, self.policy),
                (self.target_critics, self.critics),
            ):
                for p, q in zip(target.parameters(), original.parameters(), strict=True):
                    p.copy_((1 - self.settings.tau) * p + self.settings.tau * q)
        return loss.detach()

    @torch.no_grad()
    def _lamb_step(self) -> None:
        self.actor_updates += 1
        t = self.actor_updates
        rate = self.settings.learning_rate * min(t / max(self.settings.warmup_updates, 1), 1)
        for p, (m, v) in zip(self.policy.parameters(), self.moments, strict=True):
            assert p.grad is not None
            m.mul_(0.9).add_(p.grad, alpha=0.1)
            v.mul_(0.999).addcmul_(p.grad, p.grad, value=0.001)
            update = (m / (1 - 0.9**t)) / (
                (v / (1 - 0.999**t)).sqrt() + 1e-8
            ) + self.settings.weight_decay * p
            length, update_length = p.norm(), update.norm()
            ratio = float(length / update_length) if length > 0 and update_length > 0 else 1.0
            p.add_(update, alpha=-rate * ratio)


def _plain_critic(networks: Networks, member: int) -> nn.Sequential:
    critic = networks.q
    layers: list[nn.Module] = []
    for weight, bias in zip(critic.weights, critic.biases, strict=True):
        layer = nn.Linear(weight.shape[2], weight.shape[1])
        layer.load_state_dict({"weight": weight[member].detach(), "bias": bias[member].detach()})
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _plain_names(networks: Networks, num_layers: int) -> dict[str, Tensor]:
    weights = networks.policy.state_dict()
    renamed = {"last_block.": f"blocks.{num_layers - 1}.", "head.action.": "action."}
    for ours, plain in renamed.items():
        weights = {name.replace(ours, plain): weight for name, weight in weights.items()}
    return weights
