import torch

from tests.algorithms.batches import A, S, settings
from vitamin.algorithms.assembly import build_networks
from vitamin.algorithms.methods import METHODS
from vitamin.algorithms.models.networks import Networks


def perturbed(networks: Networks) -> Networks:
    """Moves policy and critics away from their targets."""
    with torch.no_grad():
        for module in (networks.policy, networks.critic):
            if module is not None:
                for parameter in module.parameters():
                    parameter.add_(1)
    return networks


def test_targets_move_by_tau_and_can_be_copied() -> None:
    networks = perturbed(build_networks(S, A, METHODS["td3_odt"], settings()))
    assert networks.target_policy is not None
    assert networks.target_critic is not None
    pairs = [(networks.target_policy, networks.policy), (networks.target_critic, networks.critic)]
    before = [[p.clone() for p in target.parameters()] for target, _ in pairs]
    networks.update_targets(0.25)
    for (target, original), old in zip(pairs, before, strict=True):
        assert original is not None
        for p, q, o in zip(target.parameters(), original.parameters(), old, strict=True):
            torch.testing.assert_close(p, 0.75 * o + 0.25 * q)
    networks.copy_targets()
    for target, original in pairs:
        assert original is not None
        assert all(torch.equal(p, q) for p, q in zip(target.parameters(), original.parameters(), strict=True))
        assert not any(p is q for p, q in zip(target.parameters(), original.parameters(), strict=True))


def test_targets_take_no_gradient_and_stay_in_evaluation_mode() -> None:
    networks = build_networks(S, A, METHODS["td3_odt"], settings()).train()
    for target in (networks.target_policy, networks.target_critic):
        assert target is not None
        assert not any(p.requires_grad for p in target.parameters())
        assert not any(module.training for module in target.modules())
    assert networks.policy.training
    assert not networks.eval().policy.training


def test_a_method_has_only_the_networks_that_it_trains() -> None:
    odt = build_networks(S, A, METHODS["odt"], settings(initial_temperature=0.3))
    assert odt.critic is None
    assert odt.target_policy is None
    assert odt.target_critic is None
    assert odt.log_temperature is not None
    torch.testing.assert_close(odt.log_temperature.detach().exp(), torch.tensor(0.3))
    assert build_networks(S, A, METHODS["td3_odt"], settings()).log_temperature is None
    odt.update_targets(0.5)
    odt.copy_targets()


def test_the_state_dict_holds_parameters_only() -> None:
    networks = build_networks(S, A, METHODS["td3_odt"], settings())
    assert set(networks.state_dict()) == {name for name, _ in networks.named_parameters()}
