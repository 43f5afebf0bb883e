"""Where functions from elsewhere are found."""

import pytest

from batuta.app.catalogs import Named, address_in, file_address, is_address, named

RAW = "https://raw.githubusercontent.com"


@pytest.mark.parametrize(
    ("page", "file"),
    [
        (
            "https://github.com/o/r/tree/main/functions/log/1.0.0/function.yaml",
            f"{RAW}/o/r/refs/heads/main/functions/log/1.0.0/function.yaml",
        ),
        ("https://github.com/o/r/blob/main/f.yaml", f"{RAW}/o/r/refs/heads/main/f.yaml"),
        ("https://github.com/o/r/tree/v1.2.0/f.yml", f"{RAW}/o/r/v1.2.0/f.yml"),
        ("https://github.com/o/r/blob/0a1b2c3d/f.json", f"{RAW}/o/r/0a1b2c3d/f.json"),
        ("https://github.com/o/r/tree/HEAD/f", f"{RAW}/o/r/HEAD/f/function.yaml"),
        ("https://github.com/o/r/tree/refs/tags/x/f", f"{RAW}/o/r/refs/tags/x/f/function.yaml"),
        ("https://github.com/o/r/check@v1.0.0", f"{RAW}/o/r/v1.0.0/check/function.yaml"),
        ("https://github.com/o/r", "https://github.com/o/r"),
        (
            "https://gitlab.com/g/sub/p/-/tree/main/log/1.0.0/function.yaml",
            "https://gitlab.com/g/sub/p/-/raw/main/log/1.0.0/function.yaml",
        ),
        (
            "https://git.acme.example/g/p/-/blob/main/f.yaml?ref_type=heads",
            "https://git.acme.example/g/p/-/raw/main/f.yaml",
        ),
        ("https://acme.example/tree/main/f.yaml", "https://acme.example/tree/main/f.yaml"),
    ],
)
def test_a_page_of_a_git_host_means_the_file_that_it_shows(page, file):
    assert file_address(page) == file


@pytest.mark.parametrize(
    ("catalog", "file"),
    [
        ("https://acme.example/c/", "https://acme.example/c/functions/log/1.0.0/function.yaml"),
        ("shared", "shared/functions/log/1.0.0/function.yaml"),
        (
            "https://github.com/o/r/tree/main",
            f"{RAW}/o/r/refs/heads/main/functions/log/1.0.0/function.yaml",
        ),
        ("https://github.com/o/r.git", f"{RAW}/o/r/HEAD/functions/log/1.0.0/function.yaml"),
        ("https://github.com/o/r", f"{RAW}/o/r/HEAD/functions/log/1.0.0/function.yaml"),
        (
            "https://gitlab.com/g/p",
            "https://gitlab.com/g/p/-/raw/HEAD/functions/log/1.0.0/function.yaml",
        ),
    ],
)
def test_a_function_has_its_place_in_a_catalogue(catalog, file):
    assert address_in(catalog, Named("log", "1.0.0", "any")) == file


def test_a_call_names_an_address_or_a_version_in_a_catalogue():
    assert is_address("https://acme.example/f.yaml")
    assert not is_address("log:1.0.0@global")
    assert named("log:1.0.0@global") == Named("log", "1.0.0", "global")
    assert named("log:1.0.0-rc.1") == Named("log", "1.0.0-rc.1", "")


@pytest.mark.parametrize("call", ["log", "log@global", "../log:1.0.0@c", "log:..@c", "a/b:1.0@c"])
def test_a_name_that_could_lead_out_of_a_catalogue_names_nothing(call):
    assert named(call) is None
