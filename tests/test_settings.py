"""The settings: read from the environment, refused with the variable's name, documented completely."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from webchat.errors import SetupError
from webchat.settings import DEFAULT_DATA, DOCS, PROJECT, Settings
from webchat.settings_table import rows


def test_the_readme_lists_exactly_the_settings() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    listed = [line for line in readme.splitlines() if line.startswith("| `WEBCHAT_")]
    assert listed == rows(), "print the table with: ./chat settings"


def test_every_field_has_its_meaning() -> None:
    assert len(DOCS) == len(Settings.__struct_fields__)
    assert all(DOCS)


def test_defaults_need_no_environment() -> None:
    assert Settings.load({}) == Settings()


def test_values_come_from_the_environment_and_flags_override_them() -> None:
    environ = {"WEBCHAT_PORT": "9000", "WEBCHAT_WORKERS": "3", "WEBCHAT_DEMO": "false", "HOME": "/nowhere"}
    settings = Settings.load(environ, port=9001, workers=None)
    assert (settings.port, settings.workers, settings.demo) == (9001, 3, False)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("WEBCHAT_PORT", "http"),
        ("WEBCHAT_PORT", "65536"),
        ("WEBCHAT_WORKERS", "0"),
        ("WEBCHAT_POLL_HOLD", "0"),
        ("WEBCHAT_FEED_KEEP", "1"),
        ("WEBCHAT_DEMO", "perhaps"),
        ("WEBCHAT_TRACES_URL", "collector:4318"),
        ("WEBCHAT_TRACES_URL", "http://collector:4318"),
        ("WEBCHAT_TRACES_SHARE", "2"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(variable: str, value: str) -> None:
    with pytest.raises(SetupError, match=f"{variable}={value}"):
        Settings.load({variable: value})


def test_a_misspelt_variable_is_refused() -> None:
    with pytest.raises(SetupError, match="WEBCHAT_PROT is not a setting"):
        Settings.load({"WEBCHAT_PROT": "80"})


def test_a_file_is_no_data_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match="file: this is a file"):
        Settings.load({"WEBCHAT_DATA": str(tmp_path / "file")})
    assert Settings.load({"WEBCHAT_DATA": str(tmp_path / "new")}).folder == tmp_path / "new"


def test_files_lie_in_the_data_folder_or_where_they_are_told_to(tmp_path: Path) -> None:
    assert Settings(data=str(tmp_path)).files_folder == tmp_path / "files"
    assert Settings(files=str(tmp_path / "shared")).files_folder == tmp_path / "shared"
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match=r"WEBCHAT_FILES=.*this is a file"):
        Settings.load({"WEBCHAT_FILES": str(tmp_path / "file")})


@pytest.mark.parametrize("types", ["", "png", "image/png;text/plain", "image/", "a/b, c/d", "!!a/b"])
def test_types_that_mean_nothing_are_refused(types: str) -> None:
    with pytest.raises(SetupError, match=r"WEBCHAT_FILE_TYPES=.*write it like"):
        Settings.load({"WEBCHAT_FILE_TYPES": types})


def test_a_password_for_the_collector_has_its_own_place() -> None:
    with pytest.raises(SetupError, match="OTEL_EXPORTER_OTLP_HEADERS") as refused:
        Settings.load({"WEBCHAT_TRACES_URL": "https://ann:secret@collector/v1/traces"})
    assert "secret" not in str(refused.value)


def test_test_variables_are_no_settings() -> None:
    assert Settings.load({"WEBCHAT_TEST_ANYTHING": "x"}) == Settings()


def test_a_child_process_reads_back_the_same_settings() -> None:
    settings = Settings(port=0, demo=False, poll_hold=1.5, redis_url="unix:///a%20b.sock", log_format="json")
    assert Settings.load(settings.environ()) == settings


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)]
)
def test_what_counts_as_loopback(host: str, loopback: bool) -> None:
    assert Settings(host=host).on_loopback is loopback


def test_what_counts_as_the_default_database() -> None:
    assert Settings().on_default_database
    assert Settings(data=str(DEFAULT_DATA / ".." / DEFAULT_DATA.name)).on_default_database
    assert not Settings(data="/elsewhere").on_default_database
    assert not Settings(database_url="sqlite:///x.db").on_default_database


def test_settings_cannot_be_changed_by_accident() -> None:
    with pytest.raises(AttributeError):
        Settings().port = 1  # type: ignore[misc]
    assert msgspec.structs.replace(Settings(), port=1).port == 1
