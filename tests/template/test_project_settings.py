"""A wrong edit of a generated project's contract.yaml or params.yaml is refused in one sentence.

Every case edits the demo project's own file; all edited files of the module are read in one process of the project.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

import pytest
from bake import bake

pytestmark = pytest.mark.xdist_group("settings")  # one process makes what they share


@dataclass(frozen=True)
class Edit:
    """One edit, and words of the sentence that it must give; no words where it must load."""

    name: str
    old: str
    new: str
    words: tuple[str, ...] = ()
    file: str = "contract.yaml"


def custom(name: str, value: str, indent: int = 6) -> str:
    return f"{' ' * indent}- {{property: {name}, value: {value}}}\n"


def limits(value: str, *words: str, name: str = "bounds") -> Edit:
    return Edit(f"{name}: {value}", "{minimum: 0, maximum: 143}", value, ("column 'age'", *words))


def params(name: str, old: str, new: str, *words: str) -> Edit:
    return Edit(name, old, new, words, "params.yaml")


DELIMITER, ENCODING, DECIMAL = custom("delimiter", '","'), custom("encoding", "utf-8"), custom("decimal", '"."')
FORMATS, TRUE = custom("dateFormats", '["%Y-%m-%d"]', 10), custom("trueValues", '["yes"]', 10)
FALSE, POSITIVE = custom("falseValues", '["no"]', 10), custom("positiveClass", '"yes"', 10)
TARGET_ENUM, TASK = 'enum: [{value: "no"}, {value: "yes"}]', "task, value: binary"
MISSING = 'value: ["", "NA"'
KEY, ROW_KEY = "rowKey, value: [customer_id,", "{property: rowKey, value: ["
DAY, AGE = '{minimum: "2024-01-01"}', "name: age\n        logicalType: integer\n        required: true\n"
CHURNED, CONTRACT = "name: churned\n        logicalType: string\n", "kind: DataContract\n"
SHARE = "evaluation_share: 0.2"
FROM, SEED, TRIES = 'evaluation_from: "2025-06-13"', "seed: 0", "candidates: 20"
THRESHOLD = "threshold: {metric: f1, folds: 3}"
VALUE = "seed: 0\nbusiness_value: "

EDITS = [
    Edit("no edit", CONTRACT, CONTRACT),
    Edit("no delimiter", DELIMITER, "", ("'delimiter' is a required property",)),
    Edit("no encoding", ENCODING, "", ("'encoding' is a required property",)),
    Edit("no decimal", DECIMAL, "", ("'decimal' is a required property",)),
    Edit(
        "no missingValues", "property: missingValues", "property: missing", ("'missingValues' is a required property",)
    ),
    Edit("no task", "property: task", "property: tusk", ("'task' is a required property",)),
    Edit(
        "a delimiter of two characters", DELIMITER, custom("delimiter", '";;"'), ("delimiter is ';;'", "one character")
    ),
    Edit("an unknown encoding", "value: utf-8", "value: utf-9", ("encoding", "'utf-9'", "such as utf-8")),
    Edit("an encoding that is not of text", "value: utf-8", "value: base64", ("encoding", "'base64'")),
    Edit("a decimal semicolon", DECIMAL, custom("decimal", '";"'), ("decimal: ';' is not one of ['.', ',']")),
    Edit(
        "no dateFormats",
        FORMATS,
        "",
        (
            "column 'observed_on'",
            "'dateFormats' is a required property",
        ),
    ),
    Edit(
        "dateFormats is text",
        '["%Y-%m-%d"]',
        '"%Y-%m-%d"',
        ("column 'observed_on': customProperties.dateFormats", "not of type 'array'"),
    ),
    Edit(
        "dateFormats is empty",
        '["%Y-%m-%d"]',
        "[]",
        ("column 'observed_on': customProperties.dateFormats", "should be non-empty"),
    ),
    Edit(
        "an unknown directive",
        "%Y-%m-%d",
        "%Q",
        ("column 'observed_on': customProperties.dateFormats.0 is '%Q'", "such as %Y-%m-%d"),
    ),
    Edit(
        "letters for directives",
        "%Y-%m-%d",
        "yyyy-mm-dd",
        ("column 'observed_on'", "'yyyy-mm-dd', but must be a strptime format"),
    ),
    Edit(
        "a format without the year",
        "%Y-%m-%d",
        "%d.%m.",
        ("column 'observed_on'", "must be a strptime format of a whole date"),
    ),
    Edit("a format with a time zone", "%Y-%m-%d", "%Y-%m-%d %z", ("column 'observed_on'", "without a time zone")),
    Edit(
        "no trueValues",
        TRUE,
        "",
        (
            "column 'auto_pay'",
            "'trueValues' is a required property",
        ),
    ),
    Edit(
        "no falseValues",
        FALSE,
        "",
        (
            "column 'auto_pay'",
            "'falseValues' is a required property",
        ),
    ),
    Edit(
        "trueValues is a YAML boolean",
        '["yes"]',
        "[yes]",
        ("column 'auto_pay': customProperties.trueValues.0", "put it in quotes"),
    ),
    Edit(
        "trueValues is a number",
        '["yes"]',
        "[1]",
        ("column 'auto_pay': customProperties.trueValues.0 is 1", "put it in quotes"),
    ),
    Edit("a spelling is both true and false", '["no"]', '["no", "yes"]', ("column 'auto_pay'", "share 'yes'")),
    Edit("no positiveClass", POSITIVE, "", ("column 'churned'", "positiveClass", "not in enum: no, yes")),
    Edit("positiveClass is no class", POSITIVE, custom("positiveClass", "maybe", 10), ("'churned'", "not in enum")),
    Edit(
        "positiveClass is a YAML boolean", POSITIVE, custom("positiveClass", "yes", 10), ("positiveClass", "in quotes")
    ),
    Edit(
        "an unknown task",
        TASK,
        "task, value: ranking",
        ("task: 'ranking' is not one of ['binary', 'multiclass', 'regression']"),
    ),
    Edit(
        "multiclass with two classes", TASK, "task, value: multiclass", ("column 'churned'", "2 classes", "multiclass")
    ),
    Edit(
        "regression of text",
        TASK,
        "task, value: regression",
        ("column 'churned'", "string with 2 classes", "task regression"),
    ),
    Edit("binary with three classes", TARGET_ENUM, TARGET_ENUM[:-1] + ', {value: "3"}]', ("'churned'", "3 classes")),
    Edit("binary without classes", TARGET_ENUM, "description: none", ("column 'churned'", "0 classes")),
    Edit(
        "enum holds YAML booleans",
        TARGET_ENUM,
        "enum: [{value: no}, {value: yes}]",
        ("'churned': enum.0.value", "in quotes"),
    ),
    Edit(
        "enum holds numbers", '{value: "basic"}', "{value: 1}", ("column 'plan': enum.0.value is 1", "put it in quotes")
    ),
    Edit(
        "enum holds bare texts", '{value: "basic"}', "basic", ("column 'plan': enum.0 is 'basic'", "must be a mapping")
    ),
    Edit(
        "a number becomes text",
        AGE,
        AGE.replace("integer", "string"),
        ("column 'age'", "logicalTypeOptions", "'minimum' were unexpected", "known: maxLength"),
    ),
    Edit(
        "an unknown type",
        AGE,
        AGE.replace("integer", "float"),
        ("column 'age': logicalType: 'float' is not one of", "'integer'"),
    ),
    Edit(
        "no type",
        AGE,
        "name: age\n",
        (
            "column 'age'",
            "'logicalType' is a required property",
        ),
    ),
    limits("{minimum: low}", "logicalTypeOptions.minimum", "'low'", "a whole number"),
    limits('{minimum: "0"}', "'0', but must be a whole number", "without quotes"),
    limits("{maximum: null}", "logicalTypeOptions.maximum", "must be a whole number"),
    limits("{maximum: [1]}", "logicalTypeOptions.maximum", "must be a whole number"),
    limits("{maximum: true}", "logicalTypeOptions.maximum", "must be a whole number"),
    limits("{maximum: .nan}", "logicalTypeOptions.maximum", "must be a whole number"),
    limits("{minimun: 9}", "logicalTypeOptions", "'minimun' was unexpected", "known: minimum, maximum"),
    limits("[0, 143]", "logicalTypeOptions: [0, 143] is not of type 'object'"),
    Edit(
        "a bound that is no date",
        DAY,
        "{minimum: 5}",
        ("column 'observed_on': logicalTypeOptions.minimum", "5, but must be a date such as"),
    ),
    Edit("a bound with a time zone", DAY, "{minimum: 2024-01-01T00:00:00Z}", ("'observed_on'", "without a time zone")),
    Edit("a bound that is a YAML date", DAY, "{minimum: 2024-01-01}"),
    Edit("an impossible day", DAY, "{minimum: 2024-02-31}", ("not valid YAML", "day")),
    Edit("rowKey names no column", KEY, "rowKey, value: [client_id,", ("rowKey names 'client_id'", "row_id changes")),
    Edit(
        "rowKey is empty",
        ROW_KEY,
        "{property: rowKey, value: []}\n      - {property: x, value: [",
        ("rowKey: [] should be non-empty"),
    ),
    Edit(
        "rowKey is no list",
        ROW_KEY,
        "{property: rowKey, value: age}\n      - {property: x, value: [",
        ("rowKey: 'age' is not of type 'array'"),
    ),
    Edit("rowKey holds a number", KEY, "rowKey, value: [7,", ("rowKey.0 is 7", "in quotes")),
    Edit(
        "missingValues holds a number",
        MISSING,
        "value: [-999, " + MISSING[8:],
        ("missingValues.0", "put it in quotes"),
    ),
    Edit(
        "missingValues holds null",
        MISSING,
        "value: [null, " + MISSING[8:],
        ("missingValues.0", "None, but must be text"),
    ),
    Edit(
        "a column's missingValues is text",
        POSITIVE,
        POSITIVE + custom("missingValues", "x", 10),
        ("'churned': customProperties.missingValues: 'x' is not of type 'array'"),
    ),
    Edit(
        "a column's missingValues holds a number",
        POSITIVE,
        POSITIVE + custom("missingValues", "[-999]", 10),
        ("'churned': customProperties.missingValues.0", "-999", "put it in quotes"),
    ),
    Edit(
        "text is a word",
        custom("text", "true", 10),
        custom("text", '"no"', 10),
        ("column 'last_ticket': customProperties.text: 'no' is not of type 'boolean'"),
    ),
    Edit(
        "role time on a number",
        "value: [feature, sensitive]}\n      - name: tenure",
        "value: [time]}\n      - name: tenure",
        ("column 'age'", "role time", "date"),
    ),
    Edit("a column twice", "name: tenure_months", "name: age", ("column 'age'", "more than once")),
    Edit(
        "required is a word",
        CHURNED + "        required: true",
        CHURNED + '        required: "no"',
        ("column 'churned': required: 'no' is not of type 'boolean'"),
    ),
    Edit(
        "a column named row_id", "name: last_ticket", "name: row_id", ("column 'row_id'", "put row_id in physicalName")
    ),
    Edit("a name that is a number", "name: age\n", "name: 7\n", ("column 7: name is 7", "in quotes")),
    Edit(
        "no name",
        "- name: age\n  ",
        "- title: age\n  ",
        (
            "column number 6",
            "'name' is a required property",
        ),
    ),
    Edit(
        "two main roles",
        "value: [target]",
        "value: [target, feature]",
        ("column 'churned': customProperties.roles is ['target', 'feature']", "exactly one of"),
    ),
    Edit(
        "an unknown role",
        "value: [feature, slice]",
        "value: [feature, slize]",
        ("column 'region'", "'slize' is not one of"),
    ),
    Edit(
        "roles is text",
        "value: [target]",
        "value: target",
        ("column 'churned': customProperties.roles is 'target', but must be a list"),
    ),
    Edit(
        "no roles",
        "property: roles, value: [target]",
        "property: role, value: [target]",
        (
            "column 'churned'",
            "'roles' is a required property",
        ),
    ),
    Edit(
        "no target",
        "value: [target]",
        "value: [unused]",
        ("must be a list with exactly one column of the role target",),
    ),
    Edit(
        "two targets",
        "value: [forbidden]",
        "value: [target]",
        ("must be a list with exactly one column of the role target",),
    ),
    Edit("two entities", "value: [forbidden]", "value: [entity]", ("at most one column of the role entity",)),
    Edit("no feature", "[feature", "[unused", ("at least one column of the role feature",)),
    Edit("no servers", "servers:", "hosts:", ("'servers' is a required property",)),
    Edit("no path", "path: data/customers.csv, ", "", ("servers.0: 'path' is a required property",)),
    Edit(
        "an unknown file format",
        "format: csv",
        "format: xlsx",
        ("servers.0.format: 'xlsx' is not one of ['csv', 'parquet']"),
    ),
    Edit(
        "a format that the path is not of",
        "format: csv",
        "format: parquet",
        ("servers.0.path is 'data/customers.csv'", "because format is parquet"),
    ),
    Edit("no schema", "schema:\n", "tables:\n", ("'schema' is a required property",)),
    Edit("no properties", "    properties:\n", "    columns:\n", ("schema.0: 'properties' is a required property",)),
    Edit(
        "a custom property without a value",
        "{property: task, value: binary}",
        "{property: task}",
        ("customProperties", "{property: ..., value: ...}"),
    ),
    Edit(
        "a property's name is a list", "property: decimal", "property: [decimal]", ("customProperties", "{property: ")
    ),
    Edit(
        "a column that is a word",
        "      - name: region\n",
        "      - region\n      - name: region\n",
        ("column number 3", "'region'", "must be a mapping with the fields name, logicalType"),
    ),
    Edit("broken YAML", CONTRACT, "kind: [\n", ("not valid YAML",)),
    Edit("a Parquet table needs no word on how it is read", DELIMITER + ENCODING + DECIMAL, ""),
    params("no edit of params", SEED, SEED),
    params("seed is text", SEED, 'seed: "0"', "seed: '0' is not of type 'integer'"),
    params("seed is below 0", SEED, "seed: -1", "seed: -1 is less than the minimum of 0"),
    params("seed is too large", SEED, "seed: 4294967296", "seed: 4294967296 is greater"),
    params("seed is true", SEED, "seed: true", "seed: True is not of type 'integer'"),
    params("seed is misspelt", SEED, "sead: 0", "'seed' is a required property"),
    params(
        "a share of 1",
        SHARE,
        "evaluation_share: 1",
        "split.evaluation_share: 1 is greater than or equal to the maximum of 1",
    ),
    params("a share of nan", SHARE, "evaluation_share: .nan", "split.evaluation_share"),
    params(
        "a share in quotes", SHARE, 'evaluation_share: "0.2"', "split.evaluation_share: '0.2' is not of type 'number'"
    ),
    params(
        "a share is misspelt",
        SHARE,
        SHARE + "\n  share: 0.2",
        "split",
        "'share' was unexpected",
        "evaluation_share, evaluation_from",
    ),
    params("no share", SHARE, "", "split: 'evaluation_share' is a required property"),
    params(
        "evaluation_from is no date",
        FROM,
        "evaluation_from: soon",
        "split.evaluation_from",
        "'soon', but must be a date",
    ),
    params(
        "evaluation_from is a number",
        FROM,
        "evaluation_from: 2025",
        "split.evaluation_from",
        "2025, but must be a date",
    ),
    params("evaluation_from is 0", FROM, "evaluation_from: 0", "split.evaluation_from", "0, but must be a date"),
    params("evaluation_from is a YAML date", FROM, "evaluation_from: 2025-06-13"),
    params("evaluation_from is null", FROM, "evaluation_from: null"),
    params("split is no mapping", "split:\n", "split: 0.2\nlinear_old:\n", "split: 0.2 is not of type 'object'"),
    params(
        "an unknown estimator",
        "estimator: hist_gradient_boosting",
        "estimator: magic",
        "estimator: 'magic' is not one of",
        "'linear'",
    ),
    params(
        "max_levels of 0", "max_levels: 100", "max_levels: 0", "features.max_levels: 0 is less than the minimum of 1"
    ),
    params(
        "min_level_rows of 1.5",
        "min_level_rows: 10",
        "min_level_rows: 1.5",
        "features.min_level_rows: 1.5 is not of type 'integer'",
    ),
    params(
        "a feature setting is misspelt",
        "max_levels: 100",
        "max_level: 100",
        "features: 'max_levels' is a required property",
    ),
    params(
        "an unknown metric",
        THRESHOLD,
        "threshold: {metric: f2}",
        "threshold.metric: 'f2' is not one of ['f1', 'balanced_accuracy']",
    ),
    params("one fold", THRESHOLD, "threshold: {folds: 1}", "threshold.folds: 1 is less than the minimum of 2"),
    params(
        "an unknown threshold field",
        THRESHOLD,
        "threshold: {fold: 3}",
        "threshold",
        "'fold' was unexpected",
        "metric, folds",
    ),
    params("threshold is null", THRESHOLD, "threshold: null"),
    params("no threshold", THRESHOLD, ""),
    params("no candidates", TRIES, "candidates: 0", "tune.candidates: 0 is less than the minimum of 1"),
    params("one tune fold", "  folds: 3", "  folds: 1", "tune.folds: 1 is less than the minimum of 2"),
    params(
        "a space for an unknown estimator",
        "    linear: {C: [0.1",
        "    linea: {C: [0.1",
        "tune.space",
        "'linea' was unexpected",
        "known: hist_gradient_boosting, linear, dummy",
    ),
    params(
        "nothing to try", "C: [0.1, 1.0, 10.0]", "C: []", "tune.space.linear.C is []", "a list of the values to try"
    ),
    params("one value to try", "C: [0.1, 1.0, 10.0]", "C: 0.1", "tune.space.linear.C is 0.1", "must be a list"),
    params(
        "an unknown section",
        SEED,
        "seed: 0\nlinaer: {C: 1.0}",
        "'linaer' was unexpected",
        "hist_gradient_boosting",
        "linear",
    ),
    params(
        "an estimator's section is a number", "linear: {C: 1.0}", "linear: 1.0", "linear is 1.0", "must be a mapping"
    ),
    params("an estimator's section is null", "linear: {C: 1.0}", "linear: null"),
    params("business_value is whole", SEED, VALUE + '{currency: EUR, matrix: {"yes": {"yes": 1, "no": -5.5}}}'),
    params("business_value is null", SEED, VALUE + "null"),
    params(
        "no currency",
        SEED,
        VALUE + '{matrix: {"yes": {"yes": 1}}}',
        "business_value: 'currency' is a required property",
    ),
    params(
        "a class is a YAML boolean",
        SEED,
        VALUE + '{currency: EUR, matrix: {yes: {"yes": 1}}}',
        "business_value.matrix names 'true', which is no class of 'churned'",
        "classes are: no, yes",
    ),
    params(
        "a class that the target has not", SEED, VALUE + '{currency: EUR, matrix: {"yes": {"ja": 1}}}', "names 'ja'"
    ),
    limits("{minimum: 0.5}", "0.5, but must be a whole number", name="half of a whole number"),
    params(
        "a value is infinite",
        SEED,
        VALUE + '{currency: EUR, matrix: {"a": {"b": .inf}}}',
        "business_value.matrix.a.b",
        "must be a number",
    ),
    params(
        "a value is text",
        SEED,
        VALUE + '{currency: EUR, matrix: {"a": {"b": "5"}}}',
        "business_value.matrix.a.b",
        "'5', but must be a number",
    ),
    params("params is a list", SEED, "- 0\n#", "params.yaml"),
]

READ = """
import json, sys
from pathlib import Path
from churn import settings
from churn import InputError
said = {}
for folder in sorted(Path(sys.argv[1]).iterdir()):
    try:
        contract, params = settings.load(folder)
        said[folder.name] = ["loaded", dict(contract.more), [dict(one.bounds) for one in contract.columns], params]
    except InputError as error:
        said[folder.name] = ["refused", str(error)]
    except Exception as error:
        said[folder.name] = ["traceback", repr(error)]
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[object]]:
    """What the project says of each edit."""
    folder = tmp_path_factory.mktemp("settings")
    project = bake(folder)
    files = tmp_path_factory.mktemp("edits")
    for number, edit in enumerate(EDITS):
        text = (project / edit.file).read_text(encoding="utf-8")
        assert edit.old in text, edit.name
        text = text.replace(edit.old, edit.new, -1 if edit.name == "no feature" else 1)
        if "Parquet table" in edit.name:
            text = text.replace("customers.csv, format: csv", "customers.parquet, format: parquet")
        (files / str(number)).mkdir()
        for name in ("contract.yaml", "params.yaml"):
            shutil.copy(project / name, files / str(number) / name)
        (files / str(number) / edit.file).write_text(text, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(project / "src"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", READ, str(files)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    return {edit.name: answers[str(number)] for number, edit in enumerate(EDITS)}


@pytest.mark.parametrize("edit", [edit for edit in EDITS if edit.words], ids=lambda edit: edit.name)
def test_a_wrong_edit_is_refused_in_one_sentence(said: dict[str, list[object]], edit: Edit) -> None:
    outcome, sentence = said[edit.name][:2]
    assert outcome == "refused", sentence
    assert "\n" not in str(sentence)
    for word in (edit.file, *edit.words):
        assert word in str(sentence)


@pytest.mark.parametrize("edit", [edit for edit in EDITS if not edit.words], ids=lambda edit: edit.name)
def test_a_right_edit_loads(said: dict[str, list[object]], edit: Edit) -> None:
    assert said[edit.name][0] == "loaded", said[edit.name]


def test_dates_are_iso_text_however_they_are_written(said: dict[str, list[object]]) -> None:
    assert said["a bound that is a YAML date"] == said["no edit"]
    assert said["evaluation_from is a YAML date"] == said["no edit of params"]


def test_threshold_has_its_defaults_where_nothing_is_said(said: dict[str, list[object]]) -> None:
    for name in ("threshold is null", "no threshold"):
        assert said[name] == said["no edit of params"]


def test_a_parquet_table_is_read_without_words_on_csv(said: dict[str, list[object]]) -> None:
    assert said["a Parquet table needs no word on how it is read"] == said["no edit"]
