"""Tables that must generate and train, and tables that must be refused: cases as data, each named by its reason.

Every table has a real signal, so that a model must beat a dummy, and at most 5,000 rows unless its reason needs more.
"""

import csv
import gzip
import io
import os
import shutil
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from math import exp
from pathlib import Path
from random import Random

import demo_data
import pytest

ROOT = Path(__file__).resolve().parents[2]
BANK_FILE = Path(os.environ.get("MODEL_REVIEW_BANK_CSV") or ROOT.parent / "shared" / "data" / "bank-full.csv.gz")

Row = dict[str, str]
Rows = list[Row]


@dataclass(frozen=True)
class Table:
    """A table that must work."""

    name: str  # the reason why it is here
    file_name: str
    build: Callable[[Path], None]
    target: str
    task: str
    prove: bool = False  # too big for every run

    def write(self, folder: Path) -> Path:
        """Write the file and return its path."""
        path = folder / self.file_name
        self.build(path)
        return path


@dataclass(frozen=True)
class Refused:
    """A table that must be refused."""

    name: str
    file_name: str
    content: bytes
    words: str  # of the one sentence
    target: str = "y"


def shops(rows: int, seed: int = 1) -> Rows:
    """Draw customers of a shop, and whether each of them bought."""
    dice = Random(seed)
    drawn = []
    for _ in range(rows):
        plan = dice.choice(["basic", "plus", "team", "free"])
        region = dice.choice(["north", "south", "west"])
        amount, visits = dice.gauss(60, 20), dice.randrange(12)
        score = (amount - 60) / 15 + (visits - 6) / 3 + {"basic": 0, "plus": 1, "team": 2, "free": -2}[plan]
        bought = dice.random() < 1 / (1 + exp(-score))
        drawn.append(
            {
                "amount": f"{amount:.2f}",
                "visits": str(visits),
                "plan": plan,
                "region": region,
                "bought": "yes" if bought else "no",
            }
        )
    return drawn


def to_text(rows: Iterable[Row], delimiter: str = ",") -> str:
    """Write rows as CSV text."""
    rows = list(rows)
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows(row.values() for row in rows)
    return file.getvalue()


def as_csv(rows: Callable[[], Rows], delimiter: str = ",", encoding: str = "utf-8") -> Callable[[Path], None]:
    """Return a builder that writes rows as CSV."""

    def build(path: Path) -> None:
        path.write_bytes(to_text(rows(), delimiter).encode(encoding))

    return build


def changed(change: Callable[[Row, int, Random], Row], rows: int = 1500) -> Callable[[], Rows]:
    """Return the shops, each row changed."""

    def build() -> Rows:
        dice = Random(2)
        return [change(dict(row), number, dice) for number, row in enumerate(shops(rows))]

    return build


def three_classes(row: Row, _: int, dice: Random) -> Row:
    score = float(row["amount"]) / 20 + int(row["visits"]) / 4 + dice.gauss(0, 0.5)
    return row | {"bought": "much" if score > 5.2 else "some" if score > 3.8 else "nothing"}


def nothing_bought(row: Row, number: int, dice: Random) -> Row:
    bought = three_classes(row, number, dice)["bought"]
    return row | {"bought": "None" if bought == "nothing" else bought}


def integer_classes(row: Row, number: int, dice: Random) -> Row:
    return row | {"bought": {"much": "3", "some": "2", "nothing": "1"}[three_classes(row, number, dice)["bought"]]}


def spent(row: Row, _: int, dice: Random) -> Row:
    bonus = {"basic": 0.0, "plus": 20.0, "team": 40.0, "free": -20.0}[row.pop("plan")]
    return row | {"bought": f"{float(row['amount']) * 1.5 + int(row['visits']) * 4 + bonus + dice.gauss(0, 15):.2f}"}


def spent_with_commas(row: Row, number: int, dice: Random) -> Row:
    return {name: value.replace(".", ",") for name, value in spent(row, number, dice).items()}


def letters(row: Row, number: int, dice: Random) -> Row:
    complaint = 'they said "no",\nthen nothing more;\nI left' if row["bought"] == "no" else "all was\nwell in the end"
    text = complaint if dice.random() < 0.4 else "nothing to say, really"
    return {"letter": f"{text} {number}"} | row


def german(row: Row, *_: object) -> Row:
    regions = {"north": "Nürnberg", "south": "Köln", "west": "Gießen"}
    return {"größe": row["amount"], "région": regions[row["region"]]} | row


def colliding(row: Row, _: int, dice: Random) -> Row:
    return {
        "Größe (cm)": row["amount"],
        "größe cm": f"{dice.gauss(170, 9):.1f}",
        "größe_cm": row["visits"],
        " sum insured ": f"{dice.gauss(9, 2):.1f}",
        "sum-insured": row["plan"],
        "数量": row["region"],
        "bought?": row["bought"],
    }


def hostile(row: Row, *_: object) -> Row:
    return {
        'say "hello"': row["amount"],
        "back\\slash": row["visits"],
        "{{ cookiecutter }}": row["plan"],
        "# no: comment": row["region"],
        "it's [a] {list}, or two": row["visits"] + ".5",
        "'''": row["bought"],
    }


def keywords(row: Row, *_: object) -> Row:
    return {
        "class": row["plan"],
        "def": row["amount"],
        "lambda": row["visits"],
        "None": row["region"],
        "import": row["bought"],
    }


def booleans(row: Row, _: int, dice: Random) -> Row:
    vip = dice.random() < (0.7 if row["bought"] == "yes" else 0.3)
    return {
        "yes_no": "yes" if vip else "no",
        "one_zero": str(int(dice.random() < 0.4)),
        "true_false": str(dice.random() < 0.6),
        "letters": dice.choice("TF"),
        "Yn": dice.choice("YN"),
        "mixed": dice.choice(["yes", "no", "1", "0"]),
    } | row


def every_missing(row: Row, number: int, dice: Random) -> Row:
    spellings = ["", "NA", "NaN", "null", "?", " ", "N/A", "None", "#N/A", "<NA>"]
    for name in ("amount", "visits", "plan", "region"):
        if dice.random() < 0.15:
            row[name] = spellings[number % len(spellings)]
    return row


def mixed_types(row: Row, number: int, dice: Random) -> Row:
    size = ["12", "large", "3.5", "2021-01-05", "1_000", "inf", "00123", "x y"][number % 8]
    lab = "below limit" if dice.random() < 0.02 else f"{dice.gauss(5, 1):.1f}"
    return {"size": size, "lab": lab} | row


def many_levels(row: Row, number: int, dice: Random) -> Row:
    good = dice.random() < (0.75 if row["bought"] == "yes" else 0.25)
    level = number % 5000 if number < 5000 else int(5000 * dice.random() ** 2)
    return {"item": f"p{level // 2 * 2 + good:04d}"} | row


def with_empty_column(row: Row, *_: object) -> Row:
    return {"nothing": "", "comment": "NA"} | row


def with_constant(row: Row, *_: object) -> Row:
    return {"country": "DE", "version": "1"} | row


def with_copies(row: Row, *_: object) -> Row:
    return row | {"amount_eur": row["amount"] + "0", "plan_2": row["plan"], "label": row["bought"]}


def rare(row: Row, number: int, dice: Random) -> Row:
    positive = number % 200 == 0
    return row | {"bought": str(int(positive)), "amount": f"{dice.gauss(90 if positive else 60, 20):.2f}"}


def partly_labelled(row: Row, _: int, dice: Random) -> Row:
    return row | {"bought": "" if dice.random() < 0.2 else row["bought"]}


def three_formats(row: Row, number: int, dice: Random) -> Row:
    day = date(2024, 1, 1) + timedelta(days=number // 5)
    styles = ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y")
    birthday = date(1950, 1, 1) + timedelta(days=dice.randrange(18_000))
    return {
        "ordered_on": day.strftime(styles[number % 3]),
        "birth_date": birthday.strftime("%d %b %Y"),
        "updated": f"{day.isoformat()}T08:{number % 60:02d}:00Z",
    } | row


def people(row: Row, number: int, dice: Random) -> Row:
    first = dice.choice(["Ada", "Alan", "Grace", "Edsger", "Barbara", "Donald", "Frances", "John"])
    last = dice.choice(["Lovelace", "Turing", "Hopper", "Dijkstra", "Liskov", "Knuth", "Allen", "Backus"])
    return {
        "order_id": f"A-{number:06d}",
        "customerID": str(1000 + dice.randrange(300)),
        "name": f"{first} {last}",
        "contact": f"{first}.{last}{number % 97}@example.org".lower(),
        "phone": f"+49 30 {dice.randrange(10**6, 10**7)}",
        "sex": dice.choice(["f", "m", "x"]),
    } | row


def leaking(row: Row, _: int, dice: Random) -> Row:
    bought = row["bought"] == "yes"
    return row | {
        "refund": f"{dice.uniform(1, 50):.2f}" if bought else "0",
        "call_seconds": str(int(dice.gauss(300 if bought else 120, 60))),
    }


def extremes(row: Row, number: int, dice: Random) -> Row:
    return {
        "tiny": f"{float(row['amount']) * 1e-9:.4e}",
        "huge": f"{float(row['amount']) * 1e12:.5E}",
        "negative": f"-{row['amount']}",
        "long_code": str(10**17 + number // 3),
        "zip_code": f"{dice.randrange(40) * 250:05d}",
        "euros": f"1,{dice.randrange(100, 1000)}",
    } | row


def wide(path: Path) -> None:
    """Write 2,000 columns, most of them noise."""
    dice = Random(3)
    rows = shops(600)
    for row in rows:
        row |= {f"noise_{number}": f"{dice.random():.3f}" for number in range(1995)}
    path.write_text(to_text(rows), encoding="utf-8", newline="\n")


def million(path: Path) -> None:
    """Write 1,000,000 rows."""
    block = shops(50_000)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["order", *block[0]])
        for number in range(1_000_000):
            writer.writerow([number, *block[number * 7919 % 50_000].values()])


def gzipped(path: Path) -> None:
    """Write a gzip file without a time stamp."""
    path.write_bytes(gzip.compress(to_text(shops(1500)).encode(), mtime=0))


def zipped(path: Path) -> None:
    """Write a zip archive as one desktop does, with a side file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/", "")
        archive.writestr("folder/shops.csv", to_text(shops(1500)))
        archive.writestr("__MACOSX/folder/._shops.csv", b"\0\0")


def parquet(path: Path) -> None:
    """Write a Parquet file with typed columns."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.read_csv(io.StringIO(to_text(changed(three_formats)())))
    frame["ordered_on"] = pandas.Timestamp("2024-01-01") + pandas.to_timedelta(frame.index // 5, unit="D")
    frame["vip"] = frame["visits"] > 6
    frame.loc[frame.index % 11 == 0, "amount"] = None
    frame["visits"] = frame["visits"].astype("Int64").where(frame.index % 7 > 0)
    frame.to_parquet(path)


def bundled(loader: str, names: dict[int, str] | None = None) -> Callable[[Path], None]:
    """Return a builder for one of scikit-learn's own tables."""

    def build(path: Path) -> None:
        datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
        frame = getattr(datasets, loader)(as_frame=True).frame
        frame = frame.replace({"target": names}) if names else frame
        frame.to_csv(path, index=False, lineterminator="\n")

    return build


def bank(path: Path) -> None:
    """Copy UCI Bank Marketing (Moro, Cortez, Rita; CC BY 4.0), which is not part of this repository."""
    if not BANK_FILE.is_file():
        pytest.skip("bank-full.csv.gz is not present")
    shutil.copyfile(BANK_FILE, path)


def simple(name: str, change: Callable[[Row, int, Random], Row], rows: int = 1500, **other: str) -> Table:
    """Return a table that is a comma-separated change of the shops."""
    return Table(
        name, "shops.csv", as_csv(changed(change, rows)), other.get("target", "bought"), other.get("task", "binary")
    )


TABLES = [
    Table("bank marketing is real and has a suspected leak", "bank-full.csv.gz", bank, "y", "binary"),
    Table("the demo data", "customers.csv", demo_data.write_table, "churned", "binary"),
    Table("breast cancer is real and all numbers", "cancer.csv", bundled("load_breast_cancer"), "target", "binary"),
    Table(
        "wine is real, small and has three classes",
        "wine.csv",
        bundled("load_wine", {0: "barolo", 1: "grignolino", 2: "barbera"}),
        "target",
        "multiclass",
    ),
    Table("diabetes is real and a regression", "diabetes.csv", bundled("load_diabetes"), "target", "regression"),
    simple("three classes", three_classes, task="multiclass"),
    simple("regression", spent, task="regression"),
    Table("semicolons", "shops.csv", as_csv(lambda: shops(1500), ";"), "bought", "binary"),
    Table("tabs", "shops.tsv", as_csv(lambda: shops(1500), "\t"), "bought", "binary"),
    Table("decimal commas", "shops.csv", as_csv(changed(spent_with_commas), ";"), "bought", "regression"),
    simple("quoted newlines", letters),
    Table("a byte order mark", "shops.csv", as_csv(lambda: shops(1500), encoding="utf-8-sig"), "bought", "binary"),
    Table("latin-1", "shops.csv", as_csv(changed(german), encoding="latin-1"), "bought", "binary"),
    Table("utf-16", "shops.txt", as_csv(changed(german), "\t", "utf-16"), "bought", "binary"),
    simple("names with spaces, of other scripts, and the same after slugging", colliding, target="bought?"),
    simple("names that break naive YAML, TOML and Jinja", hostile, target="'''"),
    simple("names that are Python keywords", keywords, target="import"),
    simple("booleans in every spelling", booleans),
    simple("missing values in every spelling", every_missing),
    simple("mixed types in one column", mixed_types),
    simple("a category with 5,000 levels", many_levels, rows=15_000),
    simple("a column with no value", with_empty_column),
    simple("constant columns", with_constant),
    simple("copies of columns and of the target", with_copies),
    Table("2,000 columns", "wide.csv", wide, "bought", "binary"),
    Table("40 rows", "shops.csv", as_csv(lambda: shops(40)), "bought", "binary"),
    Table("1,000,000 rows", "shops.csv", million, "bought", "binary", prove=True),
    simple("a minority class of 0.5 %", rare, rows=5000),
    simple("None among the classes", nothing_bought, task="multiclass"),
    simple("integer class labels", integer_classes, task="multiclass"),
    simple("a target with missing rows", partly_labelled),
    simple("dates in three formats", three_formats),
    simple("ids, names, e-mails and phone numbers", people),
    simple("leaks", leaking),
    simple("tiny, huge and negative numbers, and codes of digits", extremes),
    Table("gzip", "shops.csv.gz", gzipped, "bought", "binary"),
    Table("zip", "shops.zip", zipped, "bought", "binary"),
    Table("parquet", "shops.parquet", parquet, "bought", "binary"),
]


def few(rows: int) -> bytes:
    """Return a small plain table."""
    return ("a,y\n" + "".join(f"{number},{'yes' if number % 2 else 'no'}\n" for number in range(rows))).encode()


def spreadsheet() -> bytes:
    """Return what tells a spreadsheet from other zip archives."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return file.getvalue()


def odd_zip(local: int | None = None, listed: int | None = None, end: int | None = None, value: int = 9) -> bytes:
    """Return a zip archive with another byte in its file's own header, in its list of files and at its end."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("t.csv", few(40))
    content = bytearray(file.getvalue())
    for start, place in ((b"PK\3\4", local), (b"PK\1\2", listed), (b"PK\5\6", end)):
        if place is not None:
            content[content.index(start) + place] = value
    return bytes(content)


def damaged_zip(method: int) -> bytes:
    """Return a zip archive whose packed bytes are wrong in the middle."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("t.csv", few(5000))
    content = bytearray(file.getvalue())
    middle = len(content) // 2
    content[middle : middle + 100] = bytes(100)
    return bytes(content)


REFUSED = [
    Refused("an empty file", "t.csv", b"", "t.csv is empty"),
    Refused("a header only", "t.csv", b"a,y\n", "t.csv has a header and no rows"),
    Refused("fewer than 30 rows", "t.csv", few(29), "t.csv has 29 rows"),
    Refused("fewer than 2 columns", "t.csv", b"y\n" + b"1\n" * 50, "t.csv has fewer than 2 columns"),
    Refused("a target with one value", "t.csv", b"a,y\n" + b"1,yes\n2,\n" * 40, "'y' has one value only"),
    Refused("a target with no value", "t.csv", b"a,y\n" + b"1,\n" * 40, "'y' has no value"),
    Refused(
        "a target with too many texts",
        "t.csv",
        b"a,y\n" + b"".join(b"1,v%dx\n" % n for n in range(90)),
        "'y' has more than 50",
    ),
    Refused(
        "a web page saved as .csv", "t.csv", b"<!DOCTYPE html>\n<html><body>Log in</body></html>" * 40, "a web page"
    ),
    Refused("a binary file", "t.csv", bytes(range(256)) * 40, "t.csv is a binary file"),
    Refused("a spreadsheet named .csv", "t.csv", spreadsheet(), "t.csv is a spreadsheet"),
    Refused(
        "rows of unequal length",
        "t.csv",
        few(40) + b"1,2,3\n" + few(9),
        "t.csv, line 42: 3 cells, but the header has 2",
    ),
    Refused(
        "a quote that nothing closes, in the last column",
        "t.csv",
        few(40) + b'50,"big\n' + few(40),
        "t.csv, line 42: a quote opens there that nothing closes",
    ),
    Refused("a quote that nothing closes, as the last byte", "t.csv", few(40) + b'50,"', "t.csv, line 42: a quote"),
    Refused(
        "text behind a closing quote, which training refuses too",
        "t.csv",
        few(40) + b'"50"50,1\n' + few(40).split(b"\n", 1)[1],
        "t.csv, line 42: text follows a closing quote",
    ),
    Refused(
        "a header with text behind a closing quote", "t.csv", few(40).replace(b"a", b'"a"b', 1), "t.csv, line 1: text"
    ),
    Refused(
        "a header with a blank behind a closing quote, which training refuses too",
        "t.csv",
        few(40).replace(b"a", b'"a" ', 1),
        "t.csv, line 1: text follows a closing quote",
    ),
    Refused("a header whose quote nothing closes", "t.csv", b'a,"y\n' + few(40), "t.csv, line 1: a quote opens there"),
    Refused(
        "Shift-JIS",
        "t.csv",
        few(40) + "1,\u30fc\n".encode("shift_jis"),
        "t.csv, line 42: byte 81 is neither UTF-8 nor Windows-1252",
    ),
    Refused(
        "Czech of Windows", "t.csv", few(40) + "1,\u0165\n".encode("cp1250"), "t.csv, line 42: byte 9D is neither UTF-8"
    ),
    Refused("Mac Roman", "t.csv", few(40) + "1,\u00e7a\n".encode("mac_roman"), "t.csv, line 42: byte 8D is neither"),
    Refused(
        "UTF-8 that is cut",
        "t.csv",
        few(40) + "1,\u00e9\n2,\u00e9".encode()[:-1],
        "t.csv ends in the middle of a letter",
    ),
    Refused("UTF-16 that is cut", "t.csv", few(40).decode().encode("utf-16")[:-1], "t.csv begins as UTF-16 and holds"),
    Refused("UTF-32", "t.csv", few(40).decode().encode("utf-32"), "t.csv is a binary file"),
    Refused("old Mac line ends", "t.csv", few(40).replace(b"\n", b"\r"), "t.csv ends its lines with carriage returns"),
    Refused("a column name twice", "t.csv", b"y,a,a\n" + b"1,2,3\n" * 40, "two columns named 'a'"),
    Refused(
        "a target that is no column", "t.csv", few(40), "target 'Y ' is not a column of t.csv: did you mean 'y'?", "Y "
    ),
    Refused(
        "a zip archive of a method that Python lacks, as some desktops write for large files",
        "t.zip",
        odd_zip(local=8, listed=10),
        "t.zip is packed in a way that Python cannot",
    ),
    Refused("a zip archive of a later day", "t.zip", odd_zip(listed=6, value=99), "t.zip is packed in a way that"),
    Refused("a zip archive that names a place before its beginning", "t.zip", odd_zip(end=18), "t.zip is damaged"),
    Refused("a damaged gzip file", "t.csv.gz", gzip.compress(few(5000))[:-40], "t.csv.gz is damaged"),
    Refused("a damaged zip archive", "t.zip", damaged_zip(zipfile.ZIP_DEFLATED), "t.zip is damaged"),
    Refused("a damaged zip archive of bzip2", "t.zip", damaged_zip(zipfile.ZIP_BZIP2), "t.zip is damaged"),
    Refused("a damaged zip archive of LZMA", "t.zip", damaged_zip(zipfile.ZIP_LZMA), "t.zip is damaged"),
    Refused(
        "nothing but constants beside the target",
        "t.csv",
        b"a,y\n" + b"1,yes\n1,no\n" * 40,
        "no column left to learn from",
    ),
]
