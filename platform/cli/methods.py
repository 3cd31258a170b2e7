"""`vitamin methods`: what can be trained."""


def methods() -> None:
    """List the methods: policy, and what their actor loss consists of offline and online."""
    from vitamin.algorithms.methods import METHODS
    from vitamin.platform.cli.output import print_table

    rows = [
        (
            row.name,
            row.label,
            f"{row.policy} {row.network}".replace("_", " "),
            row.terms("pretrain"),
            row.terms("online"),
            row.summary,
        )
        for row in METHODS.values()
    ]
    print_table("Methods", ("method", "label", "policy", "offline", "online", "summary"), rows)
    print(
        "α is rl_coefficient. Offline, pretrain_rl_coefficient and pretrain_supervised_coefficient weigh the terms;"
        " on AntMaze they are those of the online phase."
    )
