"""deploy_to=kubernetes: every manifest of every overlay fits its schema, and promises what the issue asks for."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from bake import bake
from kustomize import Manifest, build

# Underscores and 60 characters are fine for a package, and not for a name in Kubernetes.
LONG = "the_customers-that-will-leave-us-within-the-next-ninety-days"
OVERLAYS = ("staging", "production")
OLDEST, NEWEST = "1.30.0", "1.37.0"
DNS_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"


@pytest.fixture(scope="module", params=["churn", LONG])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bake(tmp_path_factory.mktemp("kubernetes"), "deploy_to=kubernetes", f"project_slug={request.param}")


@pytest.fixture(params=OVERLAYS)
def manifests(request: pytest.FixtureRequest, project: Path) -> dict[str, Manifest]:
    found = build(project / "deploy/kubernetes/overlays" / request.param)
    kinds = {one["kind"]: one for one in found}
    assert len(kinds) == len(found)
    return kinds


def pod(manifests: dict[str, Manifest]) -> dict[str, Any]:
    spec: dict[str, Any] = manifests["Deployment"]["spec"]["template"]["spec"]
    return spec


def test_each_overlay_holds_every_part(manifests: dict[str, Manifest]) -> None:
    parts = "Namespace Deployment Service HorizontalPodAutoscaler PodDisruptionBudget NetworkPolicy"
    assert set(manifests) == set(parts.split())


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_manifest_fits_the_schemas_of_kubernetes_strictly(manifests: dict[str, Manifest], version: str) -> None:
    for manifest in manifests.values():
        kubernetes_validate.validate(manifest, version, strict=True)


def test_a_wrong_field_would_be_noticed(manifests: dict[str, Manifest]) -> None:
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifests["Service"] | {"sepc": {}}, NEWEST, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_our_reading_of_the_overlays_is_kustomizes_own_where_it_is_installed(project: Path, overlay: str) -> None:
    folder = project / "deploy/kubernetes/overlays" / overlay
    ours = build(folder)
    assert ours
    tool = shutil.which("kustomize") or shutil.which("kubectl")  # in no Debian package that is new enough
    if tool is not None:
        command = [tool, "build"] if tool.endswith("kustomize") else [tool, "kustomize"]
        done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        theirs = {one["kind"]: one for one in yaml.safe_load_all(done.stdout)}
        assert {one["kind"]: one for one in ours} == theirs


def test_names_are_names_for_kubernetes_and_everything_is_in_one_namespace(manifests: dict[str, Manifest]) -> None:
    namespace = manifests["Namespace"]["metadata"]["name"]
    assert re.fullmatch(rf"{DNS_LABEL}", namespace)
    for kind, manifest in manifests.items():
        assert re.fullmatch(DNS_LABEL, manifest["metadata"]["name"])
        assert kind == "Namespace" or manifest["metadata"]["namespace"] == namespace
    (label,) = manifests["NetworkPolicy"]["spec"]["ingress"][0]["from"][1]["namespaceSelector"]["matchLabels"]
    assert re.fullmatch(DNS_LABEL, label)


def test_the_image_runs_by_digest(manifests: dict[str, Manifest]) -> None:
    (container,) = pod(manifests)["containers"]
    assert re.fullmatch(r"ghcr\.io/your-github-name/[a-z0-9_-]+@sha256:0{64}", container["image"])


def test_the_pod_keeps_to_the_restricted_standard(manifests: dict[str, Manifest]) -> None:
    spec = pod(manifests)
    (container,) = spec["containers"]
    assert manifests["Namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert spec["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    volumes = {one["name"]: one for one in spec["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
    assert all(set(one) == {"name", "emptyDir"} and one["emptyDir"]["sizeLimit"] for one in volumes.values())


def test_the_pod_is_asked_how_it_is_and_has_limits(manifests: dict[str, Manifest]) -> None:
    (container,) = pod(manifests)["containers"]
    paths = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")}
    assert paths == {"startup": "/readyz", "readiness": "/readyz", "liveness": "/livez"}
    assert set(container["resources"]["requests"]) == set(container["resources"]["limits"])
    assert {"cpu", "memory", "ephemeral-storage"} == set(container["resources"]["limits"])


def test_the_parts_mean_the_same_pods(manifests: dict[str, Manifest]) -> None:
    deployment = manifests["Deployment"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert manifests["Service"]["spec"]["selector"].items() <= labels.items()
    for kind, field in (("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")):
        assert manifests[kind]["spec"][field]["matchLabels"].items() <= labels.items()
    target = manifests["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", deployment["metadata"]["name"])
    assert "replicas" not in deployment["spec"]  # else each apply would undo the autoscaler
    (port,) = pod(manifests)["containers"][0]["ports"]
    assert manifests["Service"]["spec"]["ports"][0]["targetPort"] == port["name"]
    assert manifests["NetworkPolicy"]["spec"]["ingress"][0]["ports"] == [
        {"port": port["containerPort"], "protocol": "TCP"}
    ]


def test_the_service_calls_nobody(manifests: dict[str, Manifest]) -> None:
    policy = manifests["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["egress"] == []


def test_production_survives_the_loss_of_a_pod_and_staging_is_small(project: Path) -> None:
    sizes = {}
    for overlay in OVERLAYS:
        (scaler,) = (
            one
            for one in build(project / "deploy/kubernetes/overlays" / overlay)
            if one["kind"] == "HorizontalPodAutoscaler"
        )
        sizes[overlay] = (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"])
    assert sizes["production"][0] >= 2
    assert sizes["staging"] < sizes["production"]


def test_other_answers_leave_none_of_it(project: Path) -> None:
    assert {path.name for path in (project / "deploy").iterdir()} == {"kubernetes", "monitoring"}
