"""After generation: put the inferred files in place, write the actions' commit, start git, and say what to do next."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from stage import move_into_place

UNSET_COMMIT = "0" * 40
CACHES = ("__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache")
PLACEHOLDER_REPOSITORY = "model-review/model-review"  # as it stands in the template's workflows, which are not rendered


def main(answers: Mapping[str, str]) -> None:
    """Finish the project in the current folder."""
    found = move_into_place()
    remove_caches()
    remove_other_deployments(Path(answers["__template_root"]), answers["deploy_to"])
    repository = answers["actions_repository"]
    commit = clean_commit(Path(answers["__template_root"]))
    pinned = pin_actions(repository, commit or UNSET_COMMIT)
    start_git()
    print(found, end="")
    print("next steps:")
    print(f"  cd {answers['project_slug']}")
    print("  uv sync")
    print("  uv run train")
    if not commit and pinned:
        lookup = f"$(git ls-remote https://github.com/{repository} HEAD | cut -c1-40)"
        print(
            "the template is not a clean git clone, so the actions' commit is not known; once they are published, run: "
            f'perl -pi -e "s/0{{40}}/{lookup}/" {" ".join(pinned)}'
        )


def remove_caches() -> None:
    """Remove what tools leave in a template that is worked on; cookiecutter copies it all."""
    for place in (Path().glob("*"), Path("src").rglob("*"), Path("tests").rglob("*")):
        for folder in [path for path in place if path.name in CACHES and path.is_dir()]:
            shutil.rmtree(folder)


def remove_other_deployments(template: Path, chosen: str) -> None:
    """Remove the template's files of other deployments than the chosen one, and nothing that a user put beside them."""
    (source,) = template.glob("*cookiecutter.project_slug*/deploy")
    for file in source.rglob("*"):
        place = file.relative_to(source)
        if file.is_file() and (chosen == "none" or place.parts[0] not in (chosen, "monitoring")):
            Path("deploy", place).unlink(missing_ok=True)
    for folder in [*sorted(Path("deploy").rglob("*"), reverse=True), Path("deploy")]:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def clean_commit(template: Path) -> str:
    """Return the template's commit, where it is a clean clone."""
    top, _, commit = (git(template, "rev-parse", "--show-toplevel", "HEAD") or "").partition("\n")
    return commit if top and Path(top) == template and git(template, "status", "--porcelain") == "" else ""


def pin_actions(repository: str, commit: str) -> list[str]:
    """Write the actions' repository and commit into the files that name them, and return those files."""
    pinned = []
    for file in [Path("pyproject.toml"), *sorted(Path(".github/workflows").glob("*.yml"))]:
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        if UNSET_COMMIT in text:
            # Not in the types of attestations: those are the same whose copy of the actions a project uses.
            text = text.replace(f"{PLACEHOLDER_REPOSITORY}/.github/", f"{repository}/.github/")
            text = text.replace(UNSET_COMMIT, commit)
            file.write_text(text, encoding="utf-8", newline="\n")
            pinned.append(str(file))
    return pinned


def start_git() -> None:
    """Make the folder a repository, with nothing committed yet; without git, it stays a folder."""
    if not Path(".git").exists():
        git(Path(), "-c", "init.defaultBranch=main", "init", "--quiet")


def git(folder: Path, *arguments: str) -> str | None:
    """Return what git prints; nothing where it fails or is absent."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
