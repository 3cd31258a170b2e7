from pathlib import Path

import pytest

from vitamin.analysis.together import written_together


def test_files_appear_together_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    with pytest.raises(ZeroDivisionError), written_together(folder) as new:
        (new / "page").write_text(str(1 / (new / "page").write_text("")))
    assert not list(tmp_path.iterdir())
    for content in ("first", "second"):
        with written_together(folder) as new:
            (new / "page").write_text(content)
            assert not (folder / "page").exists() or (folder / "page").read_text() == "first"
        assert [path.name for path in folder.iterdir()] == ["page"]
        assert (folder / "page").read_text() == content
