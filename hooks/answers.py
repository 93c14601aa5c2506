"""The answers to cookiecutter's questions: read once, refused with one sentence each."""

import keyword
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from names import word_set

TASKS = ("auto", "binary", "multiclass", "regression")
PYTHON_VERSIONS = ("3.11", "3.12", "3.13")
LICENSES = ("Apache-2.0", "MIT", "BSD-3-Clause", "Proprietary")
DEPLOYMENTS = ("none", "compose", "kubernetes")
DEMO_TARGET = "churned"

# What the generated project installs, and what runs it: a package of the same name would hide it, or depend on itself.
# A test compares the list with the environment that is locked.
LIBRARIES = word_set(
    """
    a2wsgi aiohappyeyeballs aiohttp aiohttp_asgi_connector aiosignal aiosqlite alembic annotated_doc
    annotated_types anyio asgiref ast_serialize attr attrs bentoml bentoml_cli blinker cachetools cattr cattrs
    certifi cffi cfgv charset_normalizer check_jsonschema circus click click_option_group cloudpickle contourpy
    cookiecutter coverage cryptography cycler databricks dateutil detect_secrets distlib docker dotenv fastapi
    filelock flask flask_cors flatbuffers frozenlist fsspec git gitdb google graphene graphql graphql_relay
    gunicorn h11 httpcore httptools httpx httpx_ws huey huggingface_hub identify idna importlib_metadata
    iniconfig itsdangerous jinja2 joblib jsonschema jsonschema_specifications kiwisolver librt lightgbm mako
    markdown_it markupsafe matplotlib mdurl ml_dtypes mlflow mpl_toolkits multidict multipart mypy
    mypy_extensions mypyc narwhals nodeenv numpy onnx onnxmltools onnxruntime open_data_contract_standard
    opentelemetry packaging packaging_legacy_version pandas pandera pathspec pip pip_requirements_parser
    platformdirs pluggy pre_commit pre_commit_hooks prettytable prometheus_client propcache protobuf psutil py
    pyarrow pyasn1 pyasn1_modules pycparser pydantic pydantic_core pygments pylab pynvml pyparsing pytest
    pytest_cov python_discovery python_multipart pythonjsonlogger pytz pyyaml referencing regress requests rich
    rich_toolkit rpds ruamel ruff schema scikit_learn scipy setuptools simple_di skl2onnx sklearn skops smmap
    sniffio sqlalchemy sqlparse starlette threadpoolctl tomli_w tornado tqdm typeguard typing_extensions
    typing_inspect typing_inspection tzdata urllib3 uv uv_build uvicorn uvloop virtualenv watchfiles wcwidth
    werkzeug wrapt wsproto xgboost yaml yarl zipp zmq
    """
)
FOLDERS = frozenset({"data", "deploy", "mlruns", "run", "src", "test", "tests"})


class Refusal(Exception):
    """A sentence for the user: what is wrong, where, and what to do."""


@dataclass(frozen=True)
class Answers:
    """The answers, checked."""

    project_name: str
    project_slug: str
    description: str
    dataset: str
    target: str
    task: str
    actions_repository: str
    caller_folder: Path
    template_root: Path


def read_answers(raw: Mapping[str, str]) -> Answers:
    """Check every answer that needs no look into the table."""
    name = raw["project_name"].strip()
    if not name:
        raise Refusal("project_name is empty: give the project a name, for example project_name='Term deposits'.")
    if re.search(r"[\x00-\x1f\x7f]", name + raw["description"] + raw["author_name"]):
        raise Refusal("project_name, description and author_name are single lines: leave out line breaks.")
    slug = raw["project_slug"]
    if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", slug) or len(slug) > 60:
        raise Refusal(
            f"project_slug {slug!r} is no folder and package name: use lower case letters, digits and single hyphens, "
            "a letter first and at most 60 characters, for example project_slug=term-deposits."
        )
    refuse_package(slug.replace("-", "_"))
    task = raw["task"].strip()
    if task not in TASKS:
        raise Refusal(f"task {task!r} is not known: use one of {', '.join(TASKS)}.")
    if raw["license"] not in LICENSES:
        raise Refusal(f"license {raw['license']!r} is not offered: use one of {', '.join(LICENSES)}.")
    if raw["python_version"] not in PYTHON_VERSIONS:
        raise Refusal(
            f"python_version {raw['python_version']!r} is not supported: use one of {', '.join(PYTHON_VERSIONS)}."
        )
    if not re.fullmatch(r"[A-Za-z0-9](-?[A-Za-z0-9]){0,38}", raw["github_owner"]):
        raise Refusal(f"github_owner {raw['github_owner']!r} is no GitHub name: letters, digits, hyphens.")
    if not re.fullmatch(r"[A-Za-z0-9-]+/[\w.-]+", raw["actions_repository"], re.ASCII):
        raise Refusal(f"actions_repository {raw['actions_repository']!r} is not of the form owner/name.")
    if not re.fullmatch(r"[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)*", raw["registry"]):
        raise Refusal(f"registry {raw['registry']!r} is no host name: use for example registry=ghcr.io.")
    if raw["deploy_to"] not in DEPLOYMENTS:
        raise Refusal(f"deploy_to {raw['deploy_to']!r} is not offered: use one of {', '.join(DEPLOYMENTS)}.")
    dataset = raw["dataset"].strip()
    target = raw["target"].strip()
    if not dataset and target not in ("", DEMO_TARGET):
        raise Refusal(
            f"target {target!r} is given without a dataset: name the table with dataset=..., or leave out the target "
            f"for the demo data, whose target is {DEMO_TARGET!r}."
        )
    return Answers(
        project_name=name,
        project_slug=slug,
        description=raw["description"].strip(),
        dataset=dataset,
        target=target if dataset else DEMO_TARGET,
        task=task,
        actions_repository=raw["actions_repository"],
        caller_folder=Path(raw["__caller_folder"]),
        template_root=Path(raw["__template_root"]),
    )


def refuse_package(package: str) -> None:
    """Refuse a package that Python could not import, or that would hide another one."""
    if keyword.iskeyword(package):
        raise Refusal(f"project_slug makes the package {package!r}, a Python keyword: choose another slug.")
    if package in sys.stdlib_module_names or package in LIBRARIES:
        raise Refusal(
            f"project_slug makes the package {package!r}, which hides the library of that name: choose another slug."
        )
    if package in FOLDERS:
        raise Refusal(f"project_slug makes the package {package!r}, a folder of the project: choose another slug.")
