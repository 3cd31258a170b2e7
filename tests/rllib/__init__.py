"""A package, so that the Ray of these tests ends with the last of them (``scope="package"`` of their conftest)."""
