"""What a command stands on, and what it keeps from those below it."""

from pathlib import Path
from unittest.mock import patch

import pytest

import scenes
from phasegate import surroundings
from phasegate.doors.anthropic.api import BASE_URL
from phasegate.errors import UserError
from phasegate.surroundings import RunOptions, Surroundings
from repositories import make_repository
from stage import Stage, opened

SECRET = "sk-ant-secret-of-the-user"


@pytest.fixture
def stage(tmp_path):
    config = "research: {scouts: 1}\ngates: {test: {run: 'env; ls -la ~; exit 1'}}\nverify: {rounds: 0}\n"
    files = {**scenes.SMALL, ".github/phasegate.yml": config}
    stage = Stage(tmp_path, make_repository(tmp_path / "repository", files), no_sandbox=True)
    one = scenes.task("T1", {"new.txt": "create"}, check=None)
    executor = scenes.executor("T1", scenes.write("new.txt", "new\n"), scenes.shell("env"))
    stage.write_script([*scenes.simple()[:2], scenes.planner(one), executor])
    stage.environ |= {"ANTHROPIC_API_KEY": SECRET, "GITHUB_TOKEN": SECRET, "SSH_AUTH_SOCK": f"/tmp/{SECRET}"}
    return stage


def test_neither_gates_nor_commands_of_a_model_nor_any_file_gets_the_user_s_secrets(stage):
    """Not even without a sandbox: their environment is an allow-list."""
    outcome = stage.cli("run", scenes.ISSUE, "--yes")

    assert outcome.code == 1
    told = stage.cli("show", "L1").out
    assert "PATH=" in told  # what the gate printed
    assert SECRET not in told + outcome.err + outcome.out
    assert "PATH=" in "".join(one.raw for one in stage.asked())
    for file in stage.repository.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes(), file


def test_with_a_key_and_without_a_rehearsal_the_real_model_is_asked(stage):
    assert stage.cli("run", scenes.ISSUE).code == 4
    with patch.dict("os.environ", stage.surroundings(), clear=True):
        around = Surroundings.find(stage.repository)
        store = around.forge.run("L1")
        around.check_model(RunOptions())
        with around.setting(store, RunOptions(no_sandbox=True), lambda *_: None, lambda _: None) as setting:
            assert (setting.model.api_key, setting.model.base_url) == (SECRET, BASE_URL)
            assert SECRET not in repr(setting.model)


def test_temporary_files_of_git_and_of_commands_go_where_the_next_process_finds_them(stage):
    assert stage.cli("run", scenes.ISSUE).code == 4
    with opened(stage) as setting:
        assert setting.git._program.temporary == str(setting.scratch)
        with setting.work_tree(setting.store.progress.base_sha) as tree:
            assert tree.workspace.root.is_relative_to(setting.scratch)


def test_what_a_run_was_started_with_is_kept_and_can_be_said_anew(stage):
    stage.cli("run", scenes.ISSUE)
    store = stage.store()
    with patch.dict("os.environ", stage.surroundings(), clear=True):
        around = Surroundings.find(stage.repository)

    assert around.options(store) == RunOptions(rehearse=str(stage.script), no_sandbox=True)
    (store.directory / "options.json").unlink()
    assert around.options(store) == RunOptions()


def test_options_that_cannot_be_written_are_the_disk_s_fault(stage, tmp_path):
    with patch.dict("os.environ", stage.surroundings(), clear=True):
        around = Surroundings.find(stage.repository)
    store = stage.store("L7")  # whose directory is not there

    with pytest.raises(UserError, match="The system refuses: No such file or directory"):
        around.keep_options(store, RunOptions())


@pytest.mark.parametrize("content", [b"{", b'{"rehearse": 1}', b'{"more": 1}', b"{}" + b" " * 9000])
def test_options_that_somebody_broke_are_told(stage, content):
    stage.cli("run", scenes.ISSUE)
    (stage.store().directory / "options.json").write_bytes(content)

    outcome = stage.cli("resume", "L1")

    assert outcome.code == 3
    assert "RunOptions" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_file_that_a_user_names_is_read_with_or_without_a_byte_order_mark(tmp_path):
    file = tmp_path / "x.txt"
    for content in (b"text", b"\xef\xbb\xbftext"):
        file.write_bytes(content)
        assert surroundings.read_text(file, "The file") == "text"
    with pytest.raises(UserError, match=r"The file .* cannot be read: "):
        surroundings.read_text(Path("nul\0"), "The file")
