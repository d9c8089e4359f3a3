"""The status endpoint of a running weft, as a scraper and a probe see it."""
import json
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families


class Endpoint:
    """process: a `weft run` started with status.listen=0."""

    def __init__(self, process):
        self.process = process
        self.url = process.wait_for_line(r"event=status.listening msg=\"(\S+)").group(1)

    def get(self, path):
        """Status and text; None and "" where nobody answers (any more)."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()
        except OSError:
            return None, ""

    def ask(self, path):
        """The same of a process that is to be there."""
        status, text = self.get(path)
        if status is None and not self.process.running():
            raise AssertionError(f"{self.process.name} has ended:\n{self.process.err[-2000:]}")
        return status, text

    def info(self):
        return json.loads(self.ask("/info")[1])

    def ready(self):
        """Whether, and if not why."""
        status, text = self.ask("/readyz")
        return status == 200, text.strip()

    def samples(self):
        """All samples of /metrics, by name."""
        found = {}
        for family in text_string_to_metric_families(self.ask("/metrics")[1]):
            for sample in family.samples:
                found.setdefault(sample.name, []).append(sample)
        return found

    def total(self, name, **labels):
        """The sum of the samples of a name that have these labels."""
        return sum(sample.value for sample in self.samples().get(name, [])
                   if labels.items() <= sample.labels.items())
