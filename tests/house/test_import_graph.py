"""No import circles, of modules or of packages side by side; imports inside functions and for types count."""

import ast
from collections.abc import Container, Iterator, Mapping
from functools import cache

from tests.house.sources import module_files

Graph = Mapping[str, set[str]]


def imports(source: str, modules: Container[str]) -> Iterator[str]:
    """Those of ``modules`` that a file names in an import statement, wherever it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in modules else str(node.module) for name in names]
        else:
            continue
        yield from (name for name in names if name in modules)


@cache
def import_graph() -> dict[str, set[str]]:
    files = module_files()
    graph = {name: set(imports(path.read_text(), files)) for name, path in files.items()}
    # The root's public names are imported when they are first used; import-linter's contracts leave them out too.
    return graph | {"vitamin": set()}


def circles(graph: Graph) -> list[list[str]]:
    """Strongly connected components of more than one node (Tarjan 1972)."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = lowest[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
                lowest[node] = min(lowest[node], lowest[other])
            elif other in stack:
                lowest[node] = min(lowest[node], index[other])
        if lowest[node] == index[node]:
            component = [stack.pop()]
            while component[-1] != node:
                component.append(stack.pop())
            if len(component) > 1:
                found.append(sorted(component))

    for node in graph:
        if node not in index:
            visit(node)
    return found


def children_graph(graph: Graph, package: str) -> dict[str, set[str]]:
    """Imports between what lies directly in a package, each child with all that it holds."""

    def child(module: str) -> str | None:
        below = module.removeprefix(f"{package}.")
        return None if below == module else f"{package}.{below.split('.')[0]}"

    edges: dict[str, set[str]] = {name: set() for module in graph if (name := child(module))}
    for module, imported in graph.items():
        if (own := child(module)) is not None:
            edges[own] |= {name for other in imported if (name := child(other)) and name != own}
    return edges


def test_a_circle_of_any_length_is_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": {"e"}, "e": {"f"}, "f": {"d"}, "g": {"a"}}
    assert sorted(circles(graph)) == [["b", "c"], ["d", "e", "f"]]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_imports_inside_functions_and_for_types_count() -> None:
    source = "if TYPE_CHECKING:\n    from p.a import X\ndef f():\n    import p.b\n    from p import c\n"
    assert set(imports(source, {"p", "p.a", "p.b", "p.c"})) == {"p.a", "p.b", "p.c"}


def test_children_stand_for_all_that_they_hold() -> None:
    graph: Graph = {"p.a.x": {"p.b"}, "p.a.y": set(), "p.b": {"p.c.z"}, "p.c.z": {"p.a.y"}}
    assert circles(graph) == []
    assert circles(children_graph(graph, "p")) == [["p.a", "p.b", "p.c"]]


def test_no_module_is_in_a_circle() -> None:
    graph = import_graph()
    assert graph["vitamin.platform.cli.train"]  # the links are resolved
    assert circles(graph) == []


def test_no_package_of_platform_or_algorithms_holds_a_circle_of_its_children() -> None:
    packages = {name.rpartition(".")[0] for name in import_graph() if name.count(".") > 1}
    checked = {name for name in packages if not name.startswith("vitamin.analysis")} | {"vitamin"}
    assert {"vitamin.platform.experiments", "vitamin.algorithms"} <= checked
    assert {name: found for name in checked if (found := circles(children_graph(import_graph(), name)))} == {}
