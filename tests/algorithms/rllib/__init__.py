"""A package (of the package ``tests``), so that the Ray of these tests ends with the last of them: see conftest.py."""
