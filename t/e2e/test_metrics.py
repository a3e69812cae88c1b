"""The metrics, where they are explained, and what contrib makes of them."""

import glob
import json
import os
import re
import shutil
import subprocess
import time

import processes
from harness import Skip, same
from ports import reserved_port
from test_http import ask, listening

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\.)*",?)*)\})? (-?[0-9.e+]+)')
OTHERS = {"up"}        # made by Prometheus itself


def read(name):
    with open(os.path.join(TOP, name)) as file:
        return file.read()


def parse(page):
    """Families: name -> (kind, help, {sample name}, {label: values});
    fails on a line that is none of the format.
    """
    families, name = {}, None
    for line in page.splitlines():
        if match := re.fullmatch(r"# HELP (\S+) (\S.*)", line):
            name = match.group(1)
            assert name not in families, "twice: " + name
            families[name] = [None, match.group(2), set(), {}]
        elif match := re.fullmatch(r"# TYPE (\S+) (counter|gauge|histogram)", line):
            same(match.group(1), name, line)
            families[name][0] = match.group(2)
        else:
            match = SAMPLE.fullmatch(line)
            assert match and match.group(1).startswith(name), line
            families[name][2].add(match.group(1))
            for label, value in re.findall(r'([a-z]+)="([^"]*)"', match.group(2) or ""):
                families[name][3].setdefault(label, set()).add(value)
    return families


def running(t):
    """A daemon that has delivered, deferred and refused something; its address and its metrics."""
    daemon, address = listening(t, {"queue.minimal_backoff_time": "1h", "queue.maximal_backoff_time": "1h"})
    daemon.drop(b"no drop file\r\n")
    daemon.send(["u@example.org", "rcpt450@example.org", "rcpt550@example.org"], sender="")
    daemon.wait_deliveries(3)

    def complete():
        page = ask(address, "/metrics")[2]
        return 'result="refused"} 1' in page and "\ncauseway_couriers 2\n" in page and page
    return daemon, address, processes.wait_for(complete, 20, "the refused file counted, and both couriers")


def test_the_format(t):
    daemon, address, page = running(t)
    for name, (kind, words, samples, labels) in parse(page).items():
        assert samples and kind and words, name
        same(kind == "counter", name.endswith("_total"), name)
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True,
                              timeout=100)
        same((done.returncode, done.stdout + done.stderr), (0, ""))


def test_the_numbers(t):
    daemon, address, page = running(t)
    for line in ('causeway_deliveries_total{transport="lmtp",status="sent"} 1',
                 'causeway_deliveries_total{transport="lmtp",status="deferred"} 1',
                 'causeway_deliveries_total{transport="lmtp",status="bounced"} 1',
                 'causeway_queue_messages{state="deferred"} 1', 'causeway_destinations{state="alive"} 1',
                 'causeway_delivery_seconds_count 1', 'causeway_delivery_seconds_bucket{le="+Inf"} 1',
                 'causeway_drop_files_total{result="taken"} 1', "causeway_healthy 1", "causeway_couriers 2",
                 "causeway_courier_failures_total 0", "causeway_spool_intake_stopped 0"):
        assert line in page.splitlines(), (line, page)
    start = float(re.search(r"(?m)^process_start_time_seconds (\S+)$", page).group(1))
    assert time.time() - 1000 < start <= time.time() + 1, start
    daemon.kill(daemon.pids("courier")[0])
    processes.wait_for(lambda: "causeway_courier_failures_total 1" in ask(address, "/metrics")[2], 20,
                       "the failure")


def test_every_metric_is_in_the_manual(t):
    """And nothing else is, with the labels that it has."""
    families = parse(running(t)[2])
    told = dict(re.findall(r"(?m)^\.It Li ((?:causeway|process)_\w+)(?:\{(.*)\})?$",
                           read("doc/man/causeway-admin.7")))
    same(sorted(told), sorted(families))
    for name, labels in told.items():
        same(set(labels.split(",")) - {""}, set(families[name][3]) - {"le"}, name)


def uses(expression):
    """(metric, label, value) of what an expression asks for; value None where it is no plain one."""
    for name, selector in re.findall(r"\b((?:causeway|process)_\w+|up\b)(?:\{([^}]*)\})?", expression):
        yield name, None, None
        for label, sign, value in re.findall(r'(\w+)(=~?)"([^"]*)"', selector):
            yield name, label, value if sign == "=" else None


def check_uses(expression, families):
    """The metrics of an expression exist, with these labels and values; names that Prometheus adds apart."""
    for name, label, value in uses(expression):
        family = re.sub(r"_(bucket|sum|count)$", "", name)
        assert family in families or name in OTHERS, (name, expression)
        if label in (None, "instance", "job"):
            continue
        labels = families[family][3]
        assert label in labels, label
        assert value is None or value in labels[label] or label == "transport", (label, value)


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def test_the_dashboard_asks_for_what_there_is(t):
    """Grafana is not in Debian, so this is what can be tried: its form, and each expression."""
    families = parse(running(t)[2])
    dashboard = json.loads(read("contrib/grafana/causeway.json"))
    expressions = [target["expr"] for panel in panels(dashboard) for target in panel["targets"]]
    expressions += [a["expr"] for a in dashboard["annotations"]["list"]]
    for expression in expressions:
        check_uses(expression, families)
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for e in expressions for name, _, _ in uses(e)}
    same(sorted(set(families) - shown), [], "metrics that no panel shows")
    same(len({panel["id"] for panel in panels(dashboard)}), len(panels(dashboard)))
    cells = [(x, y) for panel in panels(dashboard) for g in [panel["gridPos"]]
             for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])]
    same(len(cells), len(set(cells)), "panels that overlap")
    assert max(x for x, _ in cells) < 24
    legends = [(target["expr"], label) for panel in panels(dashboard) for target in panel["targets"]
               for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])]
    for expression, label in legends:
        assert re.search(r"by \([^)]*\b%s\b" % label, expression), (expression, label)


def test_the_alerts_ask_for_what_there_is(t):
    families = parse(running(t)[2])
    rules = re.sub(r"(?m)^ *#.*$", "", read("contrib/prometheus/causeway.rules.yml"))
    expressions = re.findall(r"(?ms)^ +expr: (.*?)(?=^ +(?:for|labels):)", rules)
    assert len(expressions) == rules.count("- alert:") > 10, len(expressions)
    for expression in expressions:
        check_uses(expression, families)


def prometheus(t, address):
    """The real one, with the files of contrib; its address."""
    if not shutil.which("prometheus"):
        raise Skip("Debian package missing: prometheus")
    for path in glob.glob(os.path.join(TOP, "contrib/prometheus/*.yml")):
        shutil.copy(path, t.dir)
    with open(t.path("prometheus.yml"), "r+") as file:
        text = file.read().replace("localhost:9925", "%s:%d" % address)
        file.seek(0)
        file.write("global: {scrape_interval: 1s, evaluation_interval: 1s}\n" + text)
    own = ("127.0.0.1", reserved_port())
    with open(t.path("prometheus.log"), "wb") as log:
        subprocess.Popen(["prometheus", "--config.file=" + t.path("prometheus.yml"), "--log.level=warn",
                          "--storage.tsdb.path=" + t.path("tsdb"), "--web.listen-address=%s:%d" % own],
                         stdout=log, stderr=log, cwd=t.dir)
    return own


def query(address, expression):
    """The values of an expression, or none while Prometheus is not ready."""
    try:
        path = "/api/v1/query?query=" + "".join("%%%02x" % byte for byte in expression.encode())
        status, _, body = ask(address, path)
    except OSError:
        return []
    assert status in (200, 503), (expression, body)
    if status == 503:
        return []
    return json.loads(body)["data"]["result"]


def test_with_the_real_prometheus(t):
    """It scrapes the daemon, loads the alerts, knows every expression of the dashboard; and an alert is
    pending when the daemon is gone."""
    daemon, address, page = running(t)
    server = prometheus(t, address)
    found = processes.wait_for(lambda: query(server, 'causeway_deliveries_total{status="sent"}'), 60,
                               "a scrape")
    same(found[0]["value"][1], "1")
    groups = json.loads(ask(server, "/api/v1/rules")[2])["data"]["groups"]
    processes.wait_for(lambda: all(rule["health"] == "ok" for group in json.loads(
        ask(server, "/api/v1/rules")[2])["data"]["groups"] for rule in group["rules"]), 60,
                       "all rules healthy")
    assert len(groups[0]["rules"]) > 10
    for panel in panels(json.loads(read("contrib/grafana/causeway.json"))):
        for target in panel["targets"]:
            query(server, target["expr"].replace("$instance", ".*").replace("$__rate_interval", "1m"))
    daemon.stop()
    processes.wait_for(lambda: query(server, 'ALERTS{alertname="CausewayDown"}'), 60, "the alert")


def test_the_rules_own_tests(t):
    if not shutil.which("promtool"):
        raise Skip("Debian package missing: prometheus")
    done = subprocess.run(["promtool", "test", "rules", "causeway.rules.test.yml"], capture_output=True,
                          text=True,
                          cwd=os.path.join(TOP, "contrib/prometheus"), timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
