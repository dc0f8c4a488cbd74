"""The manual of settings is that of the schema, and complete."""

from pathlib import Path

from jwcal.manual import CONFIG, main, render
from jwcal.settings import load_yaml

ROOT = Path(__file__).parents[2]


def test_manual_is_up_to_date(capsys):
    main(["--check"])
    main([])
    assert capsys.readouterr().out == (CONFIG / "README.md").read_text()


def test_an_outdated_manual_is_noticed(monkeypatch, tmp_path):
    import pytest

    (tmp_path / "schema.yaml").write_text((CONFIG / "schema.yaml").read_text())
    (tmp_path / "README.md").write_text("old")
    monkeypatch.setattr("jwcal.manual.CONFIG", tmp_path)
    with pytest.raises(SystemExit, match="out of date"):
        main(["--check"])


def test_manual_lists_every_setting_with_unit_and_default():
    schema = load_yaml(CONFIG / "schema.yaml")
    lines = render(schema).splitlines()
    for step, part in schema["properties"]["steps"]["properties"].items():
        start = lines.index(f"### `{step}`")
        for name, setting in part["properties"].items():
            row = next(line for line in lines[start:] if line.startswith(f"| `{name}` |"))
            assert setting.get("unit", "") in row
            assert " ".join(setting["description"].split()) in row
    row = next(line for line in lines if line.startswith("| `rejection_threshold`"))
    assert "number, at least 0 [sigma] | `4.0` |" in row


def test_tables_are_well_formed():
    for line in (CONFIG / "README.md").read_text().splitlines():
        if line.startswith("| `"):
            assert line.count("|") in (3, 5), line
