from pathlib import Path

import pytest

from penstock.cli.demo import plan
from penstock.cli.demonstration.place import REPOSITORIES, Place, examples_directory
from penstock.cli.refusal import Refusal


def test_a_directory_of_someone_elses_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(Refusal, match="not a demo's"):
        Place(tmp_path).check_free()


def test_an_absent_an_empty_and_a_demos_directory_are_free(tmp_path):
    Place(tmp_path / "absent").check_free()
    Place(tmp_path).check_free()
    place = Place(tmp_path)
    place.files.mkdir()
    place.marker.write_text("{}")
    place.check_free()
    assert place.exists


def test_the_examples_are_found():
    for name in REPOSITORIES:
        assert (examples_directory() / name / "README.md").is_file()


def test_the_plan_names_all_that_changes(tmp_path):
    text = "\n".join(plan(Place(tmp_path / "d"), 4711, "version 20.10"))
    for words in ("http://127.0.0.1:4711", str(tmp_path / "d"), "privileged", "--down", "20.10"):
        assert words in text
    assert "remove the demo" not in text


def test_the_plan_says_that_an_earlier_demo_goes(tmp_path):
    place = Place(tmp_path)
    place.files.mkdir()
    place.marker.write_text("{}")
    assert f"remove the demo that is in {tmp_path}" in "\n".join(plan(place, 1, "x"))


def test_the_plan_fits_a_terminal(tmp_path):
    lines = plan(Place(Path("/home/somebody/.penstock/demo")), 4600, "version 20.10.24+dfsg1")
    assert max(len(line) for line in lines) <= 80
