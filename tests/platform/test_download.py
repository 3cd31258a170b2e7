from pathlib import Path

import pytest

from tests.platform.file_server import FileServer, serve
from vitamin.errors import DatasetError
from vitamin.platform.datasets.download import DownloadFailed, download

CONTENT = bytes(range(256)) * 1000


def test_the_whole_file_arrives_and_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    with serve(FileServer(CONTENT)) as server:
        download(server.url, tmp_path / "part", lambda done, total: told.append((done, total)))
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [file.name for file in tmp_path.iterdir()] == ["part"]


def test_broken_connections_are_taken_up_where_they_broke(tmp_path: Path) -> None:
    with serve(FileServer(CONTENT, break_after=[1000, 5000, 70_000])) as server:
        download(server.url, tmp_path / "part", retry_wait_s=0)
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert server.requests == [None, "bytes=1000-", "bytes=6000-", "bytes=76000-"]
    assert server.sent == len(CONTENT)


def test_a_later_call_continues_the_partial_file(tmp_path: Path) -> None:
    part = tmp_path / "part"
    with serve(FileServer(CONTENT, break_after=[1000, 0, 0, 0, 0])) as server:
        with pytest.raises(DownloadFailed, match="after 1000 of 256000 bytes"):
            download(server.url, part, retry_wait_s=0)
        assert part.stat().st_size == 1000
        asked = len(server.requests)
        download(server.url, part)
    assert part.read_bytes() == CONTENT
    assert server.requests[asked:] == ["bytes=1000-"]


def test_a_new_version_on_the_server_is_not_glued_to_the_old_one(tmp_path: Path) -> None:
    part = tmp_path / "part"
    with serve(FileServer(CONTENT, break_after=[1000, 0, 0, 0, 0])) as server:
        with pytest.raises(DownloadFailed):
            download(server.url, part, retry_wait_s=0)
        server.content, server.etag = CONTENT[::-1], '"2"'
        download(server.url, part)
    assert part.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("changes", [{"ranges": False}, {"etag": ""}, {"etag": 'W/"1"'}], ids=str)
def test_without_ranges_or_versions_the_file_is_started_over(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    with serve(FileServer(CONTENT, break_after=[1000], **changes)) as server:  # type: ignore[arg-type]
        download(server.url, tmp_path / "part", retry_wait_s=0)
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert server.sent == 1000 + len(CONTENT)


def test_a_partial_file_that_is_complete_or_too_long(tmp_path: Path) -> None:
    part, version = tmp_path / "part", tmp_path / "part.version"
    with serve(FileServer(CONTENT)) as server:
        for extra in (b"", b"rubbish"):
            part.write_bytes(CONTENT + extra)
            version.write_text('"1"')
            download(server.url, part)
            assert part.read_bytes() == CONTENT
    assert server.requests == ["bytes=256000-", "bytes=256007-", None]


def test_refusals_are_not_repeated(tmp_path: Path) -> None:
    with (
        serve(FileServer(CONTENT, status=404)) as server,
        pytest.raises(DownloadFailed, match="HTTP 404 Not Found"),
    ):
        download(server.url, tmp_path / "part")
    assert len(server.requests) == 1


def test_an_unreachable_server_fails_at_once(tmp_path: Path) -> None:
    with serve(FileServer(CONTENT)) as server:
        pass
    with pytest.raises(DownloadFailed, match="refused"):
        download(server.url, tmp_path / "part", retry_wait_s=1000)


def test_a_full_disk_is_not_mistaken_for_a_broken_connection(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    part = tmp_path / "part"
    part.symlink_to(full)
    with (
        serve(FileServer(CONTENT)) as server,
        pytest.raises(DatasetError, match=r"Cannot write .*No space left"),
    ):
        download(server.url, part)
    assert len(server.requests) == 1


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with serve(FileServer(CONTENT)) as server, pytest.raises(DatasetError, match="Cannot write"):
        download(server.url, tmp_path / "nowhere" / "part")
