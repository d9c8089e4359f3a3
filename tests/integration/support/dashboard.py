"""What the dashboard and the alerts ask Prometheus for."""
import json
import re

import yaml

from support.weft import SOURCE

DASHBOARD = SOURCE / "docker" / "grafana" / "weft.json"
ALERTS = SOURCE / "docker" / "prometheus" / "alerts.yaml"


def queries(of_bridges):
    """Those of bridges, or all others."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    found = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    found += [rule["expr"] for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    return [query for query in found if ("weft_bridge_" in query) == of_bridges]


def assert_exported(test, asked, endpoint):
    """Each name and each label that the queries have is on the page; gives the names."""
    samples = endpoint.samples()
    names = {name for query in asked for name in re.findall(r"\b(?:weft|process)_[a-z0-9_]+", query)}
    test.assertEqual(names - set(samples), set())
    labels = {name for family in samples.values() for sample in family for name in sample.labels}
    grouped = {name for query in asked for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", query)
               for name in re.split(r", *", group)}
    test.assertLessEqual(grouped - labels, {"instance"})  # which Prometheus adds
    return names
