"""Which files a commit made through the API has (pure)."""

import pytest

from penstock.aws.errors import ServiceError
from penstock.repositories.writing import Change, Delete, File, Put, SetMode, apply

A, B, EMPTY = "a" * 40, "b" * 40, "e" * 40
NORMAL, EXECUTABLE = "100644", "100755"
FILES = {
    "README": File(NORMAL, A),
    "bin/run": File(EXECUTABLE, A),
    "lib": File("160000", A),
}


@pytest.mark.parametrize(
    ("change", "path", "file"),
    [
        (Put("new/file", B), "new/file", File(NORMAL, B)),
        (Put("README", B), "README", File(NORMAL, B)),
        (Put("bin/run", B), "bin/run", File(EXECUTABLE, B)),
        (Put("bin/run", B, NORMAL), "bin/run", File(NORMAL, B)),
        (SetMode("README", EXECUTABLE), "README", File(EXECUTABLE, A)),
    ],
)
def test_a_change_sets_one_file_and_leaves_the_rest(change: Change, path: str, file: File) -> None:
    assert apply(FILES, [change], EMPTY) == {**FILES, path: file}


def test_a_deleted_file_is_gone_and_its_folder_kept_only_when_asked() -> None:
    assert "bin/run" not in apply(FILES, [Delete("bin/run")], EMPTY)
    kept = apply(FILES, [Delete("bin/run", keep_folder=True)], EMPTY)
    assert kept["bin/.gitkeep"] == File(NORMAL, EMPTY)
    both = apply(FILES, [Delete("bin/run", keep_folder=True), Put("bin/x", B)], EMPTY)
    assert "bin/.gitkeep" not in both


def test_a_folder_may_become_a_file_when_its_files_go() -> None:
    after = apply(FILES, [Put("bin", B), Delete("bin/run")], EMPTY)
    assert after["bin"] == File(NORMAL, B)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ([Put("bin", B)], "FileNameConflictsWithDirectoryNameException"),
        ([Put("README/x", B)], "DirectoryNameConflictsWithFileNameException"),
        ([Put("lib/x", B)], "FilePathConflictsWithSubmodulePathException"),
        ([Delete("nothing")], "FileDoesNotExistException"),
        ([SetMode("nothing", NORMAL)], "FileDoesNotExistException"),
        ([Put("x", A), Put("x", B)], "SamePathRequestException"),
        ([Put("/x", A)], "InvalidPathException"),
        ([Put("a/../x", A)], "InvalidPathException"),
        ([Put("a//x", A)], "InvalidPathException"),
        ([Put(".git/config", A)], "InvalidPathException"),
        ([Put("", A)], "InvalidPathException"),
    ],
)
def test_what_cannot_be_made_is_refused(changes: list[Change], code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        apply(FILES, changes, EMPTY)
    assert caught.value.code == code
