"""Write `model-review.toml`: the rules by which a pull request's model is judged."""

from columns import Scan
from roles import Judged
from table import Table
from task import Task


def policy_text(task: Task, judged: Judged, scan: Scan, table: Table) -> str:
    """Return the whole file."""
    return 'schema = "model-review/policy@1"\n\n[objective]\nmetric = "roc_auc"\nmin_effect = 0.002\nwhy = "Ranking decides."\n'
