"""Promotion and rollback on a real registry: killed at any step and run again they end in the same state."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from loopback import registry
from registries import (
    REPOSITORY,
    FakeMlflow,
    Proxy,
    image_folder,
    labels,
    mlflow_server,
    proxied,
    write_probe,
)

from model_review.cli import main
from model_review.release.mlflow import _Server
from model_review.release.registry import Registry
from model_review.release.transport import Transport
from model_review.schemas import schema_text


class Killed(BaseException):
    """The process is gone: nothing catches it."""


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@dataclass
class Shop:
    """A repository of its own in the registry, and a folder for the log and the probes."""

    name: str
    folder: Path
    made: int = 0

    @property
    def log(self) -> Path:
        return self.folder / "promotions.jsonl"

    def image(self, build: int = 0, **more: str) -> str:
        """Push a new image of a new commit, or of the commit of an earlier build; its digest."""
        self.made += 1
        number = build or self.made
        named = labels(f"{number:040x}", f"0.{number}.0", **more)
        folder, digest = image_folder(self.folder / f"image-{self.made}", named)
        assert main(["push", "--folder", str(folder), "--image", self.name]) == 0
        return digest

    def promote(self, digest: str, *more: str, name: str = "", passed: bool = True) -> int:
        probe = write_probe(self.folder / "probe.json", digest, passed)
        given = ["--image", f"{name or self.name}@{digest}", "--probe", str(probe), "--log", str(self.log)]
        return main(["promote", *given, "--repo", str(self.folder), *more])

    def rollback(self, *more: str) -> int:
        given = ["--image", self.name, "--log", str(self.log), "--repo", str(self.folder)]
        return main(["rollback", *given, *more])

    def lines(self) -> list[dict[str, Any]]:
        """The log, without times."""
        if not self.log.exists():
            return []
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [{name: value for name, value in line.items() if name != "time"} for line in lines]

    def tags(self) -> dict[str, str | None]:
        """Each tag, and the digest behind it."""
        held = Registry(self.name)
        return {tag: held.resolve(tag) for tag in sorted(held.tags())}

    def production(self) -> str | None:
        return Registry(self.name).resolve("production")


@pytest.fixture
def shop(host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Shop:
    for name in ("MLFLOW_TRACKING_URI", "GITHUB_ACTOR", "GITHUB_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    return Shop(f"{host}/{REPOSITORY}-{abs(hash(request.node.nodeid)) % 10**9}", tmp_path)


def test_the_first_release_gets_its_tags_and_one_line(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema checks the line from outside")
    digest = shop.image()
    assert main(["deployed", "--image", shop.name]) == 0
    assert "First release" in capsys.readouterr().out
    assert shop.promote(digest, "--after", "none") == 0
    assert shop.tags() == {f"{1:040x}": digest, "0.1.0": digest, "production": digest}
    (line,) = shop.lines()
    assert (line["action"], line["digest"], line["previous"]) == ("promote", digest, None)
    assert (line["commit"], line["version"], line["image"]) == (f"{1:040x}", "0.1.0", shop.name)
    jsonschema.validate(json.loads(shop.log.read_text()), json.loads(schema_text("promotion@1")))
    assert main(["deployed", "--image", shop.name]) == 0
    assert f"made from commit {1:040x}" in capsys.readouterr().out


def test_the_same_promotion_twice_is_one_line(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    digest = shop.image()
    assert [shop.promote(digest), shop.promote(digest)] == [0, 0]
    assert len(shop.lines()) == 1
    assert "Already in production" in capsys.readouterr().out


def test_what_was_promoted_before_comes_back_and_goes_again(shop: Shop) -> None:
    first, second = shop.image(), shop.image()
    assert [shop.promote(first), shop.promote(second), shop.rollback()] == [0, 0, 0]
    assert shop.production() == first
    assert shop.promote(second) == 0
    assert shop.production() == second
    found = [(line["action"], line["digest"], line["previous"]) for line in shop.lines()]
    assert found == [
        ("promote", first, None),
        ("promote", second, first),
        ("rollback", first, second),
        ("promote", second, first),
    ]


def refused(capsys: pytest.CaptureFixture[str], shop: Shop, before: dict[str, str | None], code: int) -> str:
    """A refusal changes nothing."""
    assert code == 1
    assert shop.tags() == before
    return capsys.readouterr().err


def test_an_image_without_a_passing_probe_of_its_own_never_goes_to_production(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    digest, before = shop.image(), shop.tags()
    assert "did not pass its probe" in refused(capsys, shop, before, shop.promote(digest, passed=False))
    given = ["--image", f"{shop.name}@{digest}", "--log", str(shop.log), "--probe"]
    for probed, sentence in ((None, "no image that is known"), ("sha256:" + "9" * 64, "is of sha256:9999")):
        other = write_probe(shop.folder / "other.json", probed)
        assert sentence in refused(capsys, shop, before, main(["promote", *given, str(other)]))
    stranger = write_probe(shop.folder / "other.json", digest, model_digest="sha256:" + "8" * 64)
    assert "not the image's" in refused(capsys, shop, before, main(["promote", *given, str(stranger)]))
    assert shop.lines() == []


def test_an_image_that_is_not_ours_or_was_never_pushed_is_refused(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, digest = image_folder(shop.folder / "strange", {"org.opencontainers.image.revision": "f" * 40})
    assert main(["push", "--folder", str(folder), "--image", shop.name]) == 0
    before = shop.tags()
    assert "has no label io.model-review.model-digest" in refused(capsys, shop, before, shop.promote(digest))
    assert "is not in the registry" in refused(capsys, shop, before, shop.promote("sha256:" + "7" * 64))


def test_two_promotions_in_quick_succession_the_one_that_compared_with_an_older_champion_is_refused(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, third = shop.image(), shop.image(), shop.image()
    assert shop.promote(first, "--after", "none") == 0
    assert shop.promote(second, "--after", first) == 0
    before = shop.tags()
    assert "by now" in refused(capsys, shop, before, shop.promote(third, "--after", first))
    assert shop.promote(second, "--after", first) == 0  # run again, it is still the same promotion
    assert shop.production() == second
    assert len(shop.lines()) == 2


def test_a_release_that_was_stopped_before_its_line_and_is_built_anew_takes_its_own_place(shop: Shop) -> None:
    first = shop.image()
    shop.promote(first)
    log = shop.log.read_bytes()
    stopped = shop.image()
    shop.promote(stopped, "--after", first)
    shop.log.write_bytes(log)  # GitHub's log never got the line
    anew = shop.image(build=2)
    assert anew != stopped
    assert shop.promote(anew, "--after", first) == 0
    assert shop.production() == anew
    assert [(line["digest"], line["previous"]) for line in shop.lines()] == [(first, None), (anew, first)]
    assert shop.rollback() == 0
    assert shop.production() == first


def test_a_rollback_leads_past_a_release_that_was_stopped_before_its_line(shop: Shop) -> None:
    first = shop.image()
    shop.promote(first)
    log = shop.log.read_bytes()
    stopped = shop.image()
    shop.promote(stopped)
    shop.log.write_bytes(log)
    newest = shop.image()
    assert shop.promote(newest, "--after", stopped) == 0
    assert [line["previous"] for line in shop.lines()] == [None, stopped]
    assert shop.rollback() == 0
    assert shop.production() == first
    assert (shop.lines()[-1]["digest"], shop.lines()[-1]["previous"]) == (first, newest)


def test_a_first_release_that_was_stopped_before_its_line_is_the_first_still(shop: Shop) -> None:
    shop.promote(shop.image(), "--after", "none")
    shop.log.unlink()
    assert shop.promote(anew := shop.image(build=1), "--after", "none") == 0
    assert [(line["digest"], line["previous"]) for line in shop.lines()] == [(anew, None)]


def test_a_release_that_was_made_keeps_its_image_when_its_commit_and_model_are_built_again(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    first, made = shop.image(), shop.image()
    assert [shop.promote(first), shop.promote(made)] == [0, 0]
    before, lines = shop.tags(), shop.lines()
    again = shop.image(build=2)  # its push moved the commit's tag
    assert shop.promote(again, "--after", made) == 0
    assert (shop.tags(), shop.lines()) == (before, lines)
    assert f"{again} is another build of the commit and model that were released" in capsys.readouterr().err
    other = shop.image(build=2, io__model_review__model_digest="sha256:" + "7" * 64)
    probe = write_probe(shop.folder / "other.json", other, model_digest="sha256:" + "7" * 64)
    given = ["--image", f"{shop.name}@{other}", "--probe", str(probe), "--log", str(shop.log)]
    assert main(["promote", *given]) == 0
    assert [line["previous"] for line in shop.lines()] == [None, first, made]


def test_two_processes_at_once_leave_a_log_that_agrees_with_production(shop: Shop) -> None:
    digests = [shop.image(), shop.image()]
    code = "from model_review.cli import main; raise SystemExit(main())"
    running = []
    for number, digest in enumerate(digests):
        probe = write_probe(shop.folder / f"probe-{number}.json", digest)
        given = ["--image", f"{shop.name}@{digest}", "--probe", str(probe), "--log", str(shop.log)]
        running.append(subprocess.Popen([sys.executable, "-c", code, "promote", *given]))
    assert [one.wait(60) for one in running] == [0, 0]
    lines = shop.lines()
    assert len(lines) == 2
    assert lines[1]["previous"] == lines[0]["digest"]
    assert shop.production() == lines[1]["digest"]


def test_the_first_release_cannot_be_rolled_back(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    digest = shop.image()
    assert "nothing was promoted" in refused(capsys, shop, shop.tags(), shop.rollback())
    shop.promote(digest)
    assert "is the first release" in refused(capsys, shop, shop.tags(), shop.rollback())


def test_a_rollback_to_a_deleted_digest_changes_nothing(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = shop.image(), shop.image()
    shop.promote(first)
    shop.promote(second)
    held = Registry(shop.name)
    held._to.call("DELETE", f"/manifests/{first}", allowed=(202,))
    lines = shop.lines()
    assert "it was deleted" in refused(capsys, shop, shop.tags(), shop.rollback())
    assert shop.lines() == lines


def test_a_rollback_to_what_was_never_promoted_needs_its_probe(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = shop.image(), shop.image()
    shop.promote(first)
    assert "was never promoted" in refused(capsys, shop, shop.tags(), shop.rollback("--to", second))
    probe = write_probe(shop.folder / "second.json", second)
    assert shop.rollback("--to", second, "--probe", str(probe)) == 0
    assert shop.production() == second


def test_a_rollback_says_whether_the_image_was_probed_again(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = shop.image(), shop.image()
    assert [shop.promote(first), shop.promote(second)] == [0, 0]
    capsys.readouterr()
    assert shop.rollback() == 0
    assert "probed when it was promoted, and not again" in capsys.readouterr().err
    probe = write_probe(shop.folder / "second.json", second)
    assert shop.rollback("--to", second, "--probe", str(probe)) == 0
    assert "not again" not in capsys.readouterr().err


def test_a_production_that_is_not_where_the_log_says_is_not_guessed_about(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    digests = [shop.image() for _ in range(3)]
    for digest in digests:
        shop.promote(digest)
    held = Registry(shop.name)
    manifest = held.manifest(digests[0])
    assert manifest is not None
    held.tag(manifest, "production")  # by hand
    said = refused(capsys, shop, shop.tags(), shop.rollback())
    assert f"production is {digests[0]}, and by the log it is {digests[2]}" in said
    assert shop.rollback("--to", digests[1]) == 0


@pytest.mark.parametrize("before", [1, 2])
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_a_rollback_right_after_a_release_without_its_line_leads_to_the_log_s_last_image_killed_anywhere(
    shop: Shop, before: int, late: bool
) -> None:
    for _ in range(before):
        shop.promote(last := shop.image())
    log, held = shop.log.read_bytes(), Registry(shop.name)
    shop.promote(unrecorded := shop.image())
    newest = held.manifest(unrecorded)
    assert newest is not None

    def without_its_line() -> None:
        shop.log.write_bytes(log)
        held.tag(newest, "production")

    without_its_line()
    count = steps(shop.rollback)
    assert shop.production() == last
    wanted = shop.lines()
    assert len(wanted) == before + 1
    assert [wanted[-1][name] for name in ("action", "digest", "previous")] == ["rollback", last, unrecorded]
    for number in range(1, count + 1):
        without_its_line()
        with pytest.MonkeyPatch.context() as patch:
            armed(patch, Fuse(number, late))
            with pytest.raises(Killed):
                shop.rollback()
        if shop.production() != last:  # else it was done
            assert shop.rollback() == 0
        assert (shop.production(), shop.lines()) == (last, wanted)


@dataclass
class Fuse:
    """Ends the process before or after its n-th request."""

    left: int
    late: bool

    def burn(self, call: Callable[[], Any]) -> Any:
        self.left -= 1
        if self.left == 0 and not self.late:
            raise Killed
        found = call()
        if self.left == 0:
            raise Killed
        return found


def armed(monkeypatch: pytest.MonkeyPatch, fuse: Fuse) -> None:
    """Every request to the registry and to MLflow burns the fuse."""
    to_registry, to_mlflow = Transport._send, _Server._call
    monkeypatch.setattr(Transport, "_send", lambda *given: fuse.burn(lambda: to_registry(*given)))
    monkeypatch.setattr(_Server, "_call", lambda *given: fuse.burn(lambda: to_mlflow(*given)))


def steps(work: Callable[[], int]) -> int:
    """How many requests some work makes."""
    fuse = Fuse(10**9, late=False)
    with pytest.MonkeyPatch.context() as patch:
        armed(patch, fuse)
        assert work() == 0
    return 10**9 - fuse.left


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_a_promotion_killed_at_any_step_and_run_again_ends_in_the_same_state(
    shop: Shop, late: bool, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")

    def release(place: Shop, fake: FakeMlflow, fuse: Fuse | None) -> list[str]:
        """Two images, the second promoted with the fuse lit and then again; what each is called."""
        first = place.image(io__model_review__mlflow_run="r1")
        with mlflow_server(fake), pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLFLOW_TRACKING_URI", fake.url)
            assert place.promote(first) == 0
            second = place.image(io__model_review__mlflow_run="r2")
            if fuse is None:
                count[0] = steps(lambda: place.promote(second))
            else:
                with pytest.MonkeyPatch.context() as inner:
                    armed(inner, fuse)
                    with pytest.raises(Killed):
                        place.promote(second)
                # Whatever is in production was probed, and an alias names what is in the registry.
                assert place.production() in (first, second)
                assert set(fake.aliases.values()) <= {one["version"] for one in fake.versions}
                assert place.promote(second) == 0
        return [first, second]

    count = [0]
    whole = FakeMlflow()
    wanted_digests = release(shop, whole, None)
    assert count[0] > 12
    for number in range(1, count[0] + 1):
        place, fake = Shop(f"{shop.name}-{number}", shop.folder / f"{late}-{number}"), FakeMlflow()
        place.folder.mkdir()
        digests = release(place, fake, Fuse(number, late))
        assert place.production() == digests[1]
        wanted = [wanted_digests.index(line["digest"]) for line in shop.lines()]
        assert [digests.index(line["digest"]) for line in place.lines()] == wanted == [0, 1]
        assert [line["previous"] for line in place.lines()] == [None, digests[0]]
        assert sorted(place.tags()) == sorted(shop.tags())
        assert (fake.aliases, len(fake.versions)) == (whole.aliases, 2)
        assert fake.aliases == {"champion": "2", "previous": "1"}


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_a_rollback_killed_at_any_step_and_run_again_leads_to_the_same_image(shop: Shop, late: bool) -> None:
    first, second, third = shop.image(), shop.image(), shop.image()
    for digest in (first, second, third):
        shop.promote(digest)
    log, held = shop.log.read_bytes(), Registry(shop.name)
    newest = held.manifest(third)
    assert newest is not None
    count = steps(shop.rollback)
    wanted = shop.lines()
    for number in range(1, count + 1):
        shop.log.write_bytes(log)
        held.tag(newest, "production")
        with pytest.MonkeyPatch.context() as patch:
            armed(patch, Fuse(number, late))
            with pytest.raises(Killed):
                shop.rollback()
        if shop.lines() != wanted:  # else it was done
            assert shop.rollback() == 0
        assert shop.production() == second
        assert shop.lines() == wanted


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_a_push_killed_at_any_step_and_run_again_leaves_one_whole_image(shop: Shop, late: bool) -> None:
    folder, digest = image_folder(shop.folder / "whole", labels())
    count = steps(lambda: main(["push", "--folder", str(folder), "--image", f"{shop.name}-whole"]))
    for number in range(1, count + 1):
        name = f"{shop.name}-push-{number}"
        with pytest.MonkeyPatch.context() as patch:
            armed(patch, Fuse(number, late))
            with pytest.raises(Killed):
                main(["push", "--folder", str(folder), "--image", name])
        assert Registry(name).resolve("production") is None
        assert main(["push", "--folder", str(folder), "--image", name]) == 0
        assert Registry(name).tags() == ["a" * 40]
        assert Registry(name).resolve("a" * 40) == digest


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (lambda method, path: 403 if method == "PUT" else None, "refuses PUT"),
        (lambda method, path: 507 if method == "PUT" else None, "answered 507 to PUT"),
        (lambda method, path: 404 if method == "PUT" and "uploads" in path else None, "answered 404 to PUT"),
        (lambda method, path: "cut" if method == "PUT" and "uploads" in path else None, "gave no answer to PUT"),
        (lambda method, path: 503, "answered 503"),
    ],
    ids=["refusing", "full", "forgotten", "half a push", "down"],
)
def test_a_registry_that_fails_leaves_nothing_behind_that_has_a_name(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], harm: Any, sentence: str
) -> None:
    monkeypatch.setattr("model_review.release.transport.time.sleep", lambda seconds: None)
    host, _, repository = shop.name.partition("/")
    folder, digest = image_folder(shop.folder / "one", labels(), size=500_000)
    with proxied(Proxy(host, harm)) as proxy:
        given = ["--folder", str(folder), "--image", f"{proxy.host}/{repository}"]
        assert main(["push", *given]) == 2
        assert sentence in capsys.readouterr().err
        assert Registry(shop.name).tags() == []
        assert Registry(shop.name).manifest(digest) is None
        proxy.harm = lambda method, path: None
        assert main(["push", *given]) == 0
    assert Registry(shop.name).resolve("a" * 40) == digest


@pytest.mark.parametrize(
    ("status", "sentence"), [(403, "refuses PUT"), (507, "answered 507 to PUT")], ids=["refusing", "full"]
)
def test_a_registry_that_takes_no_tag_leaves_production_and_the_log_as_they_were(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: int, sentence: str
) -> None:
    monkeypatch.setattr("model_review.release.transport.time.sleep", lambda seconds: None)
    host, _, repository = shop.name.partition("/")
    first, second, third = (shop.image() for _ in range(3))
    with proxied(Proxy(host)) as proxy:
        name = f"{proxy.host}/{repository}"
        back = ["rollback", "--image", name, "--log", str(shop.log), "--repo", str(shop.folder)]
        assert [shop.promote(digest, name=name) for digest in (first, second)] == [0, 0]
        lines = shop.lines()
        proxy.harm = lambda method, path: status if (method, path.rpartition("/")[2]) == ("PUT", "production") else None
        for work in (lambda: shop.promote(third, name=name), lambda: main(back)):
            capsys.readouterr()
            assert work() == 2
            assert f"{sentence} /v2/{repository}/manifests/production" in capsys.readouterr().err
            assert (shop.production(), shop.lines()) == (second, lines)
        proxy.harm = lambda method, path: None
        assert shop.promote(third, name=name) == 0
        assert main(back) == 0
    assert shop.production() == second
    assert [line["action"] for line in shop.lines()] == ["promote", "promote", "promote", "rollback"]


def test_a_registry_that_stalls_is_given_up_in_one_sentence_once_its_time_is_over(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    host, _, repository = shop.name.partition("/")
    digest = shop.image()
    # It takes a second to answer.
    with proxied(Proxy(host, lambda method, path: "slow" if path.endswith("/production") else None)) as proxy:
        began = time.monotonic()
        # For the promotion alone: a busy machine takes longer than that to store an image.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("model_review.http_exchange.TIMEOUT", 0.2)
            patch.setattr("model_review.release.transport.time.sleep", lambda seconds: None)
            assert shop.promote(digest, name=f"{proxy.host}/{repository}") == 2
        assert time.monotonic() - began < 20
        assert "gave no answer to GET" in (said := capsys.readouterr().err)
        assert said.count("\n") == 1
        assert "timed out" in said
    assert (shop.production(), shop.lines()) == (None, [])


def test_a_registry_that_fails_once_or_is_slow_is_waited_for(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    host, _, repository = shop.name.partition("/")
    folder, digest = image_folder(shop.folder / "one", labels())
    failed: set[str] = set()

    def once(method: str, path: str) -> int | str | None:
        if method == "PUT" and path not in failed:
            failed.add(path)
            return 503 if len(failed) % 2 else "slow"
        return None

    monkeypatch.setattr("model_review.release.transport.time.sleep", lambda seconds: None)
    with proxied(Proxy(host, once)) as proxy:
        assert main(["push", "--folder", str(folder), "--image", f"{proxy.host}/{repository}"]) == 0
    assert Registry(shop.name).resolve("a" * 40) == digest


def test_a_push_goes_on_where_a_blob_was_stored_and_the_registry_s_answer_was_lost(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, _, repository = shop.name.partition("/")
    folder, digest = image_folder(shop.folder / "one", labels())
    lost: set[str] = set()

    def first(method: str, path: str) -> str | None:
        if method == "PUT" and "/blobs/" in path and path not in lost:
            lost.add(path)
            return "lost"
        return None

    monkeypatch.setattr("model_review.release.transport.time.sleep", lambda seconds: None)
    with proxied(Proxy(host, first)) as proxy:
        assert main(["push", "--folder", str(folder), "--image", f"{proxy.host}/{repository}"]) == 0
    assert len(lost) == 2  # the configuration and the layer
    assert Registry(shop.name).resolve("a" * 40) == digest


def test_a_registry_that_asks_for_a_token_gets_it_with_the_account_of_the_environment(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    host, _, repository = shop.name.partition("/")
    folder, digest = image_folder(shop.folder / "one", labels())
    with proxied(Proxy(host, account=("robot", "pass-quince"))) as proxy:
        name = f"{proxy.host}/{repository}"
        assert main(["push", "--folder", str(folder), "--image", name]) == 2
        assert "set MODEL_REVIEW_REGISTRY_USERNAME" in capsys.readouterr().err
        monkeypatch.setenv("MODEL_REVIEW_REGISTRY_USERNAME", "robot")
        monkeypatch.setenv("MODEL_REVIEW_REGISTRY_PASSWORD", "pass-quince")
        assert main(["push", "--folder", str(folder), "--image", name]) == 0
        assert shop.promote(digest, name=name) == 0
        printed = capsys.readouterr()
        assert "quince" not in printed.out + printed.err
    assert shop.production() == digest


def test_a_manifest_that_is_not_what_its_digest_says_is_refused(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    host, _, repository = shop.name.partition("/")
    digest, other = shop.image(), Registry(shop.name).manifest(shop.image())
    assert other is not None
    with proxied(Proxy(host, lambda method, path: other.data if path.endswith(digest) else None)) as proxy:
        assert shop.promote(digest, name=f"{proxy.host}/{repository}") == 2
    assert "gave another manifest" in capsys.readouterr().err
    assert shop.production() is None


def test_a_download_that_leads_elsewhere_gets_no_token(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """As registries do it whose blobs lie with another host."""
    monkeypatch.setenv("MODEL_REVIEW_REGISTRY_USERNAME", "robot")
    monkeypatch.setenv("MODEL_REVIEW_REGISTRY_PASSWORD", "pass-quince")
    host, _, repository = shop.name.partition("/")
    digest = shop.image()
    with proxied(Proxy(host)) as storage, proxied(Proxy(host, account=("robot", "pass-quince"))) as proxy:
        blobs = f"http://{storage.host}"
        proxy.harm = lambda method, path: f"{blobs}{path}" if method == "GET" and "/blobs/" in path else None
        assert shop.promote(digest, name=f"{proxy.host}/{repository}") == 0
        assert storage.seen
        assert all(one.endswith("no token") for one in storage.seen)
    assert shop.production() == digest


@pytest.mark.parametrize("edit", ["layer", "config", "manifest", "link"])
def test_an_image_folder_that_was_changed_is_refused_before_anything_is_pushed(
    shop: Shop, capsys: pytest.CaptureFixture[str], edit: str
) -> None:
    folder, _ = image_folder(shop.folder / "one", labels())
    manifest = json.loads((folder / "manifest.json").read_text())
    if edit == "manifest":
        (folder / "manifest.json").write_text(
            json.dumps({"schemaVersion": 2, "layers": [], "config": {"digest": "../x"}})
        )
    else:
        named = manifest["config"] if edit == "config" else manifest["layers"][0]
        file = folder / named["digest"].removeprefix("sha256:")
        file.write_bytes(file.read_bytes() + b" ") if edit != "link" else _link(file)
    assert main(["push", "--folder", str(folder), "--image", shop.name]) == 2
    assert "one" in capsys.readouterr().err
    assert Registry(shop.name).tags() == []


def _link(file: Path) -> None:
    other = file.with_name("elsewhere")
    file.rename(other)
    file.symlink_to(other)


def test_an_mlflow_that_is_down_stops_a_promotion_whole_and_a_rollback_not(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = FakeMlflow()
    first, second, third = (shop.image(io__model_review__mlflow_run=f"r{number}") for number in (1, 2, 3))
    with mlflow_server(fake):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", fake.url)
        assert [shop.promote(first), shop.promote(second)] == [0, 0]
    before = shop.tags()
    assert shop.promote(third) == 2
    assert "gives no answer" in capsys.readouterr().err
    assert shop.tags() == before
    assert shop.rollback() == 0
    assert "run the rollback again when it answers" in capsys.readouterr().err
    assert shop.production() == first
    assert fake.aliases == {"champion": "2", "previous": "1"}
    with mlflow_server(fake):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", fake.url)
        assert shop.rollback("--to", first) == 0
    assert fake.aliases == {"champion": "1", "previous": "2"}
    assert len(shop.lines()) == 3


def test_an_mlflow_that_reads_and_does_not_write_never_stops_a_rollback_once_the_tag_has_moved(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class ReadOnly(FakeMlflow):
        def answer(self, method: str, path: str, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
            return super().answer(method, path, given) if method == "GET" else (503, {"message": "read only"})

    fake, told = FakeMlflow(), shop.folder / "told"
    first, second, third = (shop.image(io__model_review__mlflow_run=f"r{number}") for number in (1, 2, 3))
    with mlflow_server(fake):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", fake.url)
        assert [shop.promote(digest) for digest in (first, second, third)] == [0, 0, 0]
    aliases = dict(fake.aliases)
    with mlflow_server(ReadOnly(fake.versions, fake.aliases, exists=True)) as broken:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", broken.url)
        monkeypatch.setenv("GITHUB_OUTPUT", str(told))
        assert shop.rollback() == 0
        assert f"run the rollback again when it answers, to {second}: MLflow answered 503" in capsys.readouterr().err
        assert (shop.production(), fake.aliases) == (second, aliases)
        assert shop.lines()[-1]["action"] == "rollback"
        assert f"\n{shop.log.read_text().splitlines()[-1]}\n" in told.read_text()  # what the job `record` gets
        # A promotion says that it is not done, and run again goes on.
        assert shop.promote(first) == 2
    with mlflow_server(fake):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", fake.url)
        assert shop.rollback("--to", second) == 0
    assert (shop.production(), fake.aliases["champion"]) == (second, "2")


def test_a_line_that_was_written_elsewhere_is_recorded_once(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.promote(shop.image())
    line, log = shop.folder / "line.json", shop.folder / "branch" / "promotions.jsonl"
    line.write_text(shop.log.read_text())
    for said in ("Recorded:", "Recorded before:"):
        assert main(["record", "--line", str(line), "--log", str(log)]) == 0
        assert said in capsys.readouterr().out
    assert log.read_text() == shop.log.read_text()
    line.write_text('{"schema": "model-review/promotion@1", "digest": "$(x)"}')
    assert main(["record", "--line", str(line), "--log", str(log)]) == 2
