"""One image for all tests: built once by the package action's own steps."""

from collections.abc import Iterator

import pytest
from containers import Containers, containers, demand_tools, make_base
from packaging_steps import Packaged, package, trained_project


@pytest.fixture(scope="session")
def world() -> Iterator[Containers]:
    """A storage that goes away with the session."""
    demand_tools()
    with containers() as made:
        yield made


@pytest.fixture(scope="session")
def packaged(world: Containers, tmp_path_factory: pytest.TempPathFactory) -> Packaged:
    """The demo project, trained, and its image."""
    project = trained_project(tmp_path_factory.mktemp("packaged"), make_base(world))
    return package(world, project, tmp_path_factory.mktemp("runner"))
