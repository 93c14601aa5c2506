"""From the `dataset` answer to a file on this machine: a path relative to the caller's folder, or a download."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import progress
from answers import Refusal

TIMEOUT_SECONDS = 30
BLOCK_BYTES = 1 << 20


def locate(dataset: str, caller_folder: Path) -> Path | None:
    """Return the local file that the answer names, or nothing where it is a URL."""
    if re.match(r"https?://", dataset, re.IGNORECASE):
        return None
    if "://" in dataset:
        raise Refusal(f"dataset {dataset!r} is not reachable: use a local path or an http(s) URL.")
    try:
        path = caller_folder / Path(dataset).expanduser()
        if path.is_dir():
            raise Refusal(f"dataset {str(path)!r} is a folder: name the file in it.")
        if not path.is_file():
            raise Refusal(f"dataset {str(path)!r} does not exist: check the path (relative to {str(caller_folder)!r}).")
        path.open("rb").close()
    except OSError as error:  # no right to look there, or no name of a file
        raise Refusal(
            f"dataset {dataset!r} cannot be read ({error.strerror}): check the path and its rights."
        ) from None
    except RuntimeError:
        raise Refusal(
            f"dataset {dataset!r} begins with a user that this machine does not know: check the path."
        ) from None
    return path


def download(url: str, folder: Path) -> Path:
    """Fetch a URL into a folder, named as the URL's last part."""
    import urllib.error  # only here: it takes longer to import than all other modules together
    import urllib.request
    from http.client import HTTPException

    path = folder / safe_name(unquote(Path(urlsplit(url).path).name))
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "model-review"})
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer, path.open("wb") as file:
            total = 0
            while block := answer.read(BLOCK_BYTES):
                total += file.write(block)
                if total > progress.LARGE_BYTES:
                    progress.show(f"downloading {path.name}: {total / 1e6:,.0f} MB")
            if total > progress.LARGE_BYTES:
                progress.finish(f"downloading {path.name}: {total / 1e6:,.0f} MB, done")
    except urllib.error.HTTPError as error:
        raise Refusal(f"dataset {url!r} was answered with {error.code} {error.reason}: check the address.") from None
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise Refusal(f"dataset {url!r} could not be fetched ({reason}): check the address and the network.") from None
    return path


def safe_name(name: str) -> str:
    """Return a file name that every shell and file system takes as it is."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    return re.sub(r"-+(?=\.)", "", plain).strip(".-") or "table.csv"
