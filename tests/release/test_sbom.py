"""The SBOM: Python's packages from the requirements, Debian's from the layers of the image."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from registries import image_folder, labels, layer

from model_review.cli import main

REQUIREMENTS = """bentoml==1.4.39 \\
    --hash=sha256:{} \\
    --hash=sha256:{}
Typing_Extensions==4.15.0 ; python_full_version < '3.13' --hash=sha256:{}
""".format("a" * 64, "b" * 64, "c" * 64)
SYSTEM = b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n'
STATUS = b"""Package: libstdc++6
Status: install ok installed
Architecture: amd64
Source: gcc-12
Version: 12.2.0-14+deb12u1
Description: a library
 Package: none, for this line belongs to the description

Package: tzdata
Status: deinstall ok config-files
Architecture: all
Version: 2024a-0+deb12u1

Package: mount
Status: purge ok not-installed
Architecture: amd64
Version: 2.38.1-5

Package: login
Status: install ok installed
Architecture: amd64
Version: 1:4.13+dfsg1-1~b1
"""


def listed(folder: Path, *layers: bytes, requirements: str = REQUIREMENTS) -> dict[str, Any]:
    """The SBOM of an image of these layers; it is the same when it is made again, and keeps to the schema."""
    image, digest = image_folder(folder / "image", labels(org__opencontainers__image__title="shop"), layers=layers)
    (folder / "requirements.txt").write_text(requirements)
    given = ["--folder", str(image), "--requirements", str(folder / "requirements.txt")]
    for out in ("one.json", "two.json"):
        assert main(["sbom", *given, "--out", str(folder / out)]) == 0
    text = (folder / "one.json").read_text()
    assert text == (folder / "two.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None
    found: dict[str, Any] = json.loads(text)
    assert found["metadata"]["component"]["hashes"][0]["content"] == digest.removeprefix("sha256:")
    return found


def debian(found: dict[str, Any]) -> Iterator[str]:
    yield from (one["purl"] for one in found["components"] if one.get("purl", "").startswith("pkg:deb/"))


def test_every_pinned_package_with_its_hashes_is_in_the_sbom(tmp_path: Path) -> None:
    found = listed(tmp_path)
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.5")
    assert found["metadata"]["component"]["name"] == "shop"
    first, second = found["components"]
    assert (first["purl"], [one["content"][0] for one in first["hashes"]]) == ("pkg:pypi/bentoml@1.4.39", ["a", "b"])
    assert (second["name"], second["scope"], len(second["hashes"])) == ("typing-extensions", "optional", 1)


@pytest.mark.parametrize("text", ["numpy>=2\n", "-e .\n", "# nothing\n", "git+https://example.org/x\n"])
def test_an_sbom_of_what_is_not_pinned_is_not_made(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = image_folder(tmp_path / "image", labels())
    (tmp_path / "requirements.txt").write_text(text)
    given = ["--folder", str(folder), "--requirements", str(tmp_path / "requirements.txt")]
    assert main(["sbom", *given, "--out", str(tmp_path / "out.json")]) == 2
    assert "requirements.txt" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()


def test_the_installed_packages_of_the_base_are_in_it_and_removed_ones_are_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = listed(tmp_path, layer({"./var/lib/dpkg/status": STATUS, "./usr/lib/os-release": SYSTEM}))
    assert list(debian(found)) == [
        "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12",
        "pkg:deb/debian/login@1:4.13%2Bdfsg1-1~b1?arch=amd64&distro=debian-12",
    ]
    system = next(one for one in found["components"] if one["type"] == "operating-system")
    assert (system["name"], system["version"]) == ("debian", "12")
    assert "2 Python and 2 Debian packages" in capsys.readouterr().out


def test_a_higher_layer_decides_what_is_installed(tmp_path: Path) -> None:
    base = layer({"var/lib/dpkg/status": STATUS, "etc/os-release": SYSTEM.replace(b"debian", b"ubuntu")})
    later = layer({"var/lib/dpkg/status": STATUS.replace(b"login", b"passwd")})
    assert [one.partition("@")[0] for one in debian(listed(tmp_path / "a", base, later))] == [
        "pkg:deb/ubuntu/libstdc%2B%2B6",
        "pkg:deb/ubuntu/passwd",
    ]
    for number, gone in enumerate(("var/lib/dpkg/.wh.status", "var/lib/dpkg/.wh..wh..opq", "var/lib/.wh.dpkg")):
        assert list(debian(listed(tmp_path / str(number), base, layer({gone: b""})))) == []


def test_an_image_without_a_package_manager_lists_what_its_parts_say(tmp_path: Path) -> None:
    parts = {"base": b"Package: base-files\nVersion: 12.4\nArchitecture: amd64\n", "base.md5sums": b"00  etc/x\n"}
    made = layer({f"var/lib/dpkg/status.d/{name}": text for name, text in parts.items()})
    assert list(debian(listed(tmp_path, made))) == ["pkg:deb/debian/base-files@12.4?arch=amd64"]


def test_a_layer_that_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, _ = image_folder(tmp_path / "image", labels(), layers=[b"(\xb5/\xfd no archive" * 100])
    (tmp_path / "requirements.txt").write_text(REQUIREMENTS)
    given = ["--folder", str(folder), "--requirements", str(tmp_path / "requirements.txt")]
    assert main(["sbom", *given, "--out", str(tmp_path / "out.json")]) == 2
    assert "is no layer that can be read" in capsys.readouterr().err
