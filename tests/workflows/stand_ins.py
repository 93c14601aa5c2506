"""The stand-ins of other people's actions, all in one place: act runs these in place of what it cannot fetch.

Each stands at the commit that our action.yml files and the generated workflows pin, has inputs and outputs of the real
action and no others (read from its action.yml: of upload-artifact at that very commit, of the rest at the nearest one
that could be had), and does with a few lines of shell what the real one does. Variables say where: `CACHE_STORE` and
`ARTIFACT_STORE` are folders, `CML_FOLDER` holds a program named cml. A commit that has no stand-in here cannot run.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ("src", "pyproject.toml", "requirements.lock", "README.md", "LICENSE", ".github/actions")


@dataclass(frozen=True)
class StandIn:
    """One action: its inputs (each a variable of the same name in capitals), its outputs, and what it does."""

    inputs: str
    outputs: str
    script: str


# The action at its pinned commit, then its folder in that repository.
STAND_INS = {
    # The runner has uv already, and the cache that the real one restores is that of this machine. Where a machine
    # keeps environments, each job finds the one that it had last time, as on a runner of one's own.
    "astral-sh/setup-uv@20cfd1bf945f4377ade1205e4dbc17946fc9a30d": {
        ".": StandIn(
            "version version-file python-version python-arch activate-environment no-project venv-path "
            "working-directory checksum github-token enable-cache cache-dependency-glob restore-cache save-cache "
            "cache-suffix cache-local-path prune-cache cache-python ignore-nothing-to-cache ignore-empty-workdir "
            "tool-dir tool-bin-dir manifest-file download-from-astral-mirror add-problem-matchers quiet "
            "resolution-strategy",
            "uv-version uv-path uvx-path cache-hit cache-key venv python-version python-cache-hit",
            """\
            test "$INPUT_VERSION" = "$(uv --version | cut -d ' ' -f 2)"
            printf 'uv-version=%s\\ncache-hit=true\\n' "$INPUT_VERSION" >> "$GITHUB_OUTPUT"
            printf 'uv-path=%s\\n' "$(command -v uv)" >> "$GITHUB_OUTPUT"
            [ -n "${KEPT_ENVIRONMENTS:-}" ] && [ -d .git ] || exit 0
            kept=$KEPT_ENVIRONMENTS/$GITHUB_JOB
            [ -d "$kept" ] || uv venv --quiet --relocatable "$kept" # its scripts name no workspace
            ln -sfn "$kept" .venv
            echo .venv >> .git/info/exclude
            """,
        ),
    },
    "actions/cache@27d5ce7f107fe9357f9df03efb73ab90386fccae": {
        "restore": StandIn(
            "path key restore-keys enableCrossOsArchive fail-on-cache-miss lookup-only",
            "cache-hit cache-primary-key cache-matched-key",
            """\
            printf 'cache-primary-key=%s\\n' "$INPUT_KEY" >> "$GITHUB_OUTPUT"
            [ -d "$CACHE_STORE/$INPUT_KEY" ] || exit 0
            printf 'cache-hit=true\\ncache-matched-key=%s\\n' "$INPUT_KEY" >> "$GITHUB_OUTPUT"
            [ "$INPUT_LOOKUP_ONLY" != true ] || exit 0
            mkdir -p "$INPUT_PATH"
            cp -R "$CACHE_STORE/$INPUT_KEY/." "$INPUT_PATH"
            """,
        ),
        # A key is written once, as there.
        "save": StandIn(
            "path key upload-chunk-size enableCrossOsArchive",
            "",
            """\
            [ ! -d "$CACHE_STORE/$INPUT_KEY" ] || exit 0
            mkdir -p "$CACHE_STORE/$INPUT_KEY"
            cp -R "$INPUT_PATH/." "$CACHE_STORE/$INPUT_KEY"
            """,
        ),
    },
    # An artifact that is not archived has its file's name.
    "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f": {
        ".": StandIn(
            "name path if-no-files-found retention-days compression-level overwrite include-hidden-files archive",
            "artifact-id artifact-url artifact-digest",
            """\
            if [ "$INPUT_ARCHIVE" = false ]; then name=$(basename "$INPUT_PATH"); else name=${INPUT_NAME:-artifact}; fi
            if [ ! -e "$INPUT_PATH" ]; then [ "$INPUT_IF_NO_FILES_FOUND" != error ]; exit; fi
            rm -rf "${ARTIFACT_STORE:?}/$name"
            mkdir -p "$ARTIFACT_STORE/$name"
            if [ -d "$INPUT_PATH" ]; then INPUT_PATH=$INPUT_PATH/.; fi
            cp -R "$INPUT_PATH" "$ARTIFACT_STORE/$name"
            """,
        ),
    },
    "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c": {
        ".": StandIn(
            "name artifact-ids path pattern merge-multiple github-token repository run-id",
            "download-path",
            """\
            mkdir -p "$INPUT_PATH"
            cp -R "$ARTIFACT_STORE/$INPUT_NAME/." "$INPUT_PATH"
            printf 'download-path=%s\\n' "$INPUT_PATH" >> "$GITHUB_OUTPUT"
            """,
        ),
    },
    # It signs nothing: what would be attested, about which image, is a line in a file, and a bundle as the real one's.
    "actions/attest@1e69f48acb82d1966a394da916b4c1698aa569d6": {
        ".": StandIn(
            "subject-path subject-digest subject-name subject-checksums sbom-path predicate-type predicate "
            "predicate-path push-to-registry create-storage-record show-summary github-token",
            "attestation-id attestation-url bundle-path",
            """\
            file=$INPUT_SBOM_PATH$INPUT_PREDICATE_PATH
            [ -z "$file" ] || [ -f "$file" ]
            about="$INPUT_SUBJECT_NAME@$INPUT_SUBJECT_DIGEST"
            echo "$about ${INPUT_PREDICATE_TYPE:-provenance} $file" >> "$ARTIFACT_STORE/attested"
            kind=${INPUT_PREDICATE_TYPE:-https://slsa.dev/provenance/v1}
            [ -z "$INPUT_SBOM_PATH" ] || kind=https://cyclonedx.org/bom
            folder=$(mktemp -d "$RUNNER_TEMP/attest.XXXXXX")
            if [ -n "$file" ]; then cp "$file" "$folder/predicate"; else echo '{}' > "$folder/predicate"; fi
            payload=$(jq --arg name "$INPUT_SUBJECT_NAME" --arg digest "${INPUT_SUBJECT_DIGEST#sha256:}" \
            --arg kind "$kind" '{_type: "https://in-toto.io/Statement/v1", predicateType: $kind, predicate: .,
            subject: [{name: $name, digest: {sha256: $digest}}]}' "$folder/predicate" | base64 --wrap 0)
            envelope='{payloadType: "application/vnd.in-toto+json", signatures: [{sig: "bm9uZQ==", keyid: ""}]}'
            jq --null-input --compact-output --rawfile payload <(printf %s "$payload") '{
            mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", verificationMaterial: {},
            dsseEnvelope: ('"$envelope"' + {payload: $payload})}' > "$folder/attestation.json"
            printf 'bundle-path=%s\n' "$folder/attestation.json" >> "$GITHUB_OUTPUT"
            """,
        ),
    },
    "iterative/setup-cml@f12ea7685438c1fc438d50f77519b3860cf5fa98": {
        ".": StandIn(
            "version vega",
            "",
            """\
            test "$INPUT_VERSION $INPUT_VEGA" = "0.20.6 false"
            echo "$CML_FOLDER" >> "$GITHUB_PATH"
            """,
        ),
    },
}

# Act itself does it in host mode, with the working tree; hosted.py makes that one as deep as the workflow asks.
DONE_BY_ACT = {
    "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1": (
        "repository ref token ssh-key ssh-known-hosts ssh-strict ssh-user persist-credentials path clean filter "
        "sparse-checkout sparse-checkout-cone-mode fetch-depth fetch-tags show-progress lfs submodules "
        "set-safe-directory github-server-url"
    ),
}


def place(folder: Path, actions: str) -> list[str]:
    """Write the stand-ins and this repository's own actions below a folder.

    Args:
        folder: Where they go.
        actions: This repository's actions as the workflows name them, `owner/name@commit`.

    Returns:
        Act's arguments that map each remote repository to its folder.
    """
    mapped = []
    for name, parts in STAND_INS.items():
        root = folder / name.replace("/", "--")
        for part, action in parts.items():
            (root / part).mkdir(parents=True, exist_ok=True)
            (root / part / "action.yml").write_text(json.dumps(_action(name, action), indent=1), encoding="utf-8")
        mapped += ["--local-repository", f"{name}={root}"]
    engine = folder / "model-review"
    shutil.rmtree(engine, ignore_errors=True)
    for file in ENGINE:
        source, target = ROOT / file, engine / file
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return [*mapped, "--local-repository", f"{actions}={engine}"]


def _action(name: str, action: StandIn) -> dict[str, object]:
    """The content of an action.yml (JSON is YAML too)."""
    names = {one: f"INPUT_{one.upper().replace('-', '_')}" for one in action.inputs.split()}
    script = "\n".join(line.strip() for line in action.script.splitlines())
    env = {variable: f"${{{{ inputs.{one} }}}}" for one, variable in names.items()}
    return {
        "name": name,
        "description": "A stand-in.",
        "inputs": {one: {"description": one, "required": False} for one in names},
        "outputs": {
            one: {"description": one, "value": f"${{{{ steps.run.outputs.{one} }}}}"} for one in action.outputs.split()
        },
        "runs": {"using": "composite", "steps": [{"id": "run", "shell": "bash", "run": script, "env": env}]},
    }
