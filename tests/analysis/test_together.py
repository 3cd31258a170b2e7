from pathlib import Path

import pytest

from vitamin.analysis.together import LIST, written_together


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


def test_a_result_replaces_an_earlier_one_and_touches_nothing_else(tmp_path: Path) -> None:
    folder, outside = tmp_path / "report", tmp_path / "outside"
    outside.write_text("kept")
    with written_together(folder, replaced=True) as new:
        (new / "tables").mkdir()
        for name in ("page", "old", "tables/one"):
            (new / name).write_text("first")
    (folder / "mine").write_text("kept")
    with (folder / LIST).open("a") as file:
        file.write("../outside\n")
    with written_together(folder, replaced=True) as new:
        (new / "page").write_text("second")
    assert sorted(path.name for path in folder.iterdir()) == [LIST, "mine", "page"]
    assert (folder / "page").read_text() == "second"
    assert outside.read_text() == "kept"
