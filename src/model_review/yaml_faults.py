"""What reading a YAML file of somebody else can end in."""

import yaml

# No YAML, a value that is not what its tag says, or something else where a list or a mapping is looked for.
FAULTS = (yaml.YAMLError, RecursionError, OverflowError, ValueError, TypeError, LookupError, AttributeError)
