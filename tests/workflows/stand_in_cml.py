"""A stand-in for CML 0.20.6: takes the one call that we make, in the one environment, and refuses everything else.

It keeps CML's faults: it sees the first 30 comments, knows no author, tries once, and says all it knows when it fails.
`cml.json` beside it says where to note what it was given, and whether it should crash.
"""

import json
import os
import re
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NoReturn

CONFIG = json.loads((Path(__file__).resolve().parent / "cml.json").read_text())
TRUST = ssl.create_default_context(cafile=os.environ.get("NODE_EXTRA_CA_CERTS"))
VALUED = ("--driver", "--repo", "--target", "--watermark-title")
NEEDED = {"REPO_TOKEN", "GITHUB_SHA", "GIT_CONFIG_GLOBAL"}
ALLOWED = NEEDED | {"CI", "HOME", "ITERATIVE_DO_NOT_TRACK", "LC_CTYPE", "NODE_EXTRA_CA_CERTS", "PATH"}
ALLOWED |= {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"}


def fail(message: str, **more: Any) -> NoReturn:
    """As CML does: everything in one JSON line on stderr."""
    print(json.dumps({"level": "error", "message": message, **more}), file=sys.stderr)
    sys.exit(1)


def usage(message: str) -> NoReturn:
    """As CML does for a wrong argument: no JSON."""
    print(f"cml.js comment <update|create> <markdown file>\n\n{message}", file=sys.stderr)
    sys.exit(1)


def parse(arguments: list[str]) -> tuple[str, dict[str, str], str]:
    """The verb, the flags and the file."""
    if arguments[:1] != ["comment"] or arguments[1:2] not in (["update"], ["create"]):
        usage("Unknown command")
    flags: dict[str, str] = {}
    files, rest = [], arguments[2:]
    while rest:
        word = rest.pop(0)
        if word == "--no-publish":
            flags[word] = "yes"
        elif word in VALUED and rest:
            flags[word] = rest.pop(0)
        elif word.startswith("-"):
            usage(f"Unknown argument: {word.lstrip('-')}")
        else:
            files.append(word)
    if len(files) != 1:
        usage("Not enough non-option arguments")
    for name in ("--no-publish", *VALUED):
        if name not in flags:
            usage(f"the stand-in wants {name}: its default is a trap")
    return arguments[1], flags, files[0]


def check_environment() -> None:
    """Exactly what the call may see; one variable too many could be a flag, or somebody's secret."""
    strange = sorted(set(os.environ) - ALLOWED)
    if strange or not set(os.environ) >= NEEDED or os.environ.get("ITERATIVE_DO_NOT_TRACK") != "1":
        fail(f"the environment is not the agreed one: {', '.join(strange)}")


def call(method: str, url: str, body: str | None = None) -> Any:
    """One try, no paging, no retry."""
    data = None if body is None else json.dumps({"body": body}).encode()
    request = urllib.request.Request(url, data=data, method=method)
    request.add_header("Authorization", f"token {os.environ['REPO_TOKEN']}")
    try:
        with urllib.request.urlopen(request, timeout=30, context=TRUST) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        said = json.load(error)["message"]
        proxy = "http://user:proxy-password@proxy"  # pragma: allowlist secret
        fail(said, request={"body": body, "proxy": proxy}, status=error.code)


def main() -> None:
    """Upsert by the watermark, as CML does."""
    if sys.argv[1:] == ["--version"]:
        if "REPO_TOKEN" in os.environ:
            fail("a version is told without a token")
        print(CONFIG.get("version", "0.20.6"))
        return
    verb, flags, file = parse(sys.argv[1:])
    check_environment()
    with Path(CONFIG["log"]).open("a") as stream:
        stream.write(json.dumps({"arguments": sys.argv[1:], "environment": dict(os.environ)}) + "\n")
    if CONFIG.get("crash"):
        sys.exit(7)
    with Path(os.environ["GIT_CONFIG_GLOBAL"]).open("a") as stream:
        stream.write("[safe]\n\tdirectory = *\n")
    repository = re.fullmatch(r"(https://(?!github\.com)[^/]+)/([\w.-]+/[\w.-]+)", flags["--repo"])
    if repository is None or flags["--driver"] != "github":
        fail("Invalid URL")
    pull = re.fullmatch(r"pr/(\d+)", flags["--target"])
    if pull is None:
        fail("Not Found")
    path = f"{repository[1]}/api/v3/repos/{repository[2]}/issues"
    title = flags["--watermark-title"]
    sign = re.compile(r'!\[\]\(https://cml\.dev/watermark\.png#\w+ "CML watermark ' + re.escape(title) + r'"\)')
    mark = f'![](https://cml.dev/watermark.png#{os.environ["GITHUB_SHA"]} "CML watermark {title}")'
    body = f"{Path(file).read_text(encoding='utf-8')}\n\n{mark}"
    marked = []
    if verb == "update":
        marked = [one for one in call("GET", f"{path}/{pull[1]}/comments") if sign.search(one["body"])]
    if marked:
        done = call("PATCH", f"{path}/comments/{marked[-1]['id']}", body)
    else:
        done = call("POST", f"{path}/{pull[1]}/comments", body)
    print(done["html_url"])


if __name__ == "__main__":
    main()
