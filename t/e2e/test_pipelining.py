"""pipeline_transactions: the next message's commands go out behind a content,
while the replies to that are awaited.
"""

import threading
import time

from actions import close, then_close
from cases import by_recipient
from harness import limit, same


def world(t, scripts, settings=None, **options):
    """A daemon that sends on one connection to each scripted peer; those named s_... speak SMTP,
    the others LMTP.
    """
    peers = {name: t.peer({"greeting": greeting, **script}, ("127.0.0.1", 0), smtp=name.startswith("s_"),
                          **options)
             for name, script in scripts.items()}
    for peer in peers.values():
        peer.all_sent, peer.count = threading.Event(), 0
    routes = ["{%s.test = %s:%s}" % (name, "smtp" if p.smtp else "lmtp", p.nexthop)
              for name, p in peers.items()]
    routes.append("client.test=lmtp:" + t.peer().nexthop)
    values = {"transport_maps": "inline:{%s}" % ", ".join(routes), "workers": 1}
    for section in ("smtp", "lmtp"):
        values.update({section + ".pipeline_transactions": True,
                       section + ".destination_concurrency_limit": 1,
                       section + ".initial_destination_concurrency": 1})
    return t.daemon(None, {**values, **(settings or {})}), peers


def greeting(session):
    """It comes when there is more than one message to send."""
    session.peer.all_sent.wait(60)
    return "220 peer.test ESMTP"


def followed(session, *_):
    """Wait until the next message's commands are there; nothing follows the first of a session,
    nor the last of all.
    """
    end = time.monotonic() + (60 if 1 < session.transactions < session.peer.count else 0)
    while b"DATA" not in session._buffer and time.monotonic() < end:
        if session.pending() or session.wait_closed_for(0.05):
            session.fill()
    session.followed = getattr(session, "followed", 0) + (b"RSET\r\nMAIL FROM" in session._buffer)
    return "250 2.0.0 Ok"


def send(daemon, peers, **users):
    """A message to each of the USERS of each peer; then they greet."""
    for name, some in users.items():
        peers[name].count = len(some)
        for user in some:
            daemon.send("%s@%s.test" % (user, name))
    all_sent(daemon, peers)


def all_sent(daemon, peers):
    daemon.spool.wait_taken()
    for peer in peers.values():
        peer.all_sent.set()


def test_commands_follow_the_content(t):
    daemon, peers = world(t, {"s_a": {"dot": followed}, "l_a": {"final": followed}})
    send(daemon, peers, **{name: ["u%d" % n for n in range(4)] for name in peers})
    daemon.wait_deliveries(8, status="sent")
    for name, peer in peers.items():
        same([len(m.recipients) for m in peer.messages], [1, 1, 1, 1], name)
        same(len(peer.sessions), 1, name)
        assert peer.sessions[0].followed >= 2, "%s: followed %d times" % (name, peer.sessions[0].followed)
    uses = [d["conn_use"] for d in daemon.deliveries() if d["to"].endswith("@s_a.test")]
    same(uses, [None, "2", "3", "4"])


def test_not_by_default(t):
    early = []

    def dot(session, message):
        time.sleep(0.2)
        early.append(session.pending())
        return "250 2.0.0 Ok"
    daemon, peers = world(t, {"s_a": {"dot": dot}, "l_a": {"dot": dot}},
                          {"smtp.pipeline_transactions": None, "lmtp.pipeline_transactions": None})
    send(daemon, peers, s_a=["one", "two", "three"])
    daemon.wait_deliveries(3, status="sent")
    same(early, [False] * 3)


def test_not_without_pipelining(t):
    early = []

    def dot(session, message):
        time.sleep(0.2)
        early.append(session.pending())
        return "250 2.0.0 Ok"
    daemon, peers = world(t, {"s_a": {"dot": dot}}, keywords=("8BITMIME",))
    send(daemon, peers, s_a=["one", "two", "three"])
    daemon.wait_deliveries(3, status="sent")
    same(early, [False] * 3)


def test_results_belong_to_their_message(t):
    """Refusals of the one that ends and of the one that follows, in LMTP of single recipients."""
    def final(session, address):
        followed(session)
        code = address[3:6] if address.startswith("dot") else "250"
        return {"250": "250 2.0.0 Ok", "552": "552 5.2.2 Full", "451": "451 4.3.0 Later"}[code]
    daemon, peers = world(t, {"l_a": {"final": final}})
    users = [["good1", "dot552a", "rcpt550a"], ["dot451b", "good2"], ["rcpt550c"], ["good3", "rcpt450d"],
             ["good4"]]
    peers["l_a"].count = 4      # messages whose content is sent
    for group in users:
        daemon.send([user + "@l_a.test" for user in group])
    all_sent(daemon, peers)
    found = by_recipient(daemon, 9)
    same(found, {"good1": ("sent", "2.0.0"), "dot552a": ("bounced", "5.2.2"),
                 "rcpt550a": ("bounced", "5.1.1"),
                 "dot451b": ("deferred", "4.3.0"), "good2": ("sent", "2.0.0"),
                 "rcpt550c": ("bounced", "5.1.1"),
                 "good3": ("sent", "2.0.0"), "rcpt450d": ("deferred", "4.2.0"), "good4": ("sent", "2.0.0")})


@limit(60)
def test_a_session_that_ends_costs_the_follower_nothing(t):
    """Whatever becomes of the message before: the one behind it goes out over another connection,
    in the same attempt."""
    def once(action):
        def act(session, *args):
            followed(session)
            return action(session,
                          *args) if session.number == 0 and session.transactions == 2 else "250 2.0.0 Ok"
        return act
    scripts = {"s_lost": close, "s_421": then_close("421 4.3.2 bye"), "s_odd": lambda s, m: "354 go",
               "l_lost": close, "l_odd": lambda s, m: "354 go"}
    daemon, peers = world(t, {name: {"dot" if name[0] == "s" else "final": once(action)}
                              for name, action in scripts.items()})
    send(daemon, peers, **{name: ["one", "two", "three"] for name in scripts})
    for name in scripts:
        lines = [daemon.wait_delivery("%s@%s.test" % (user, name)) for user in ("one", "two", "three")]
        same(sorted(line["status"] for line in lines), ["deferred", "sent", "sent"], name)
        same(peers[name].sessions[0].followed, 1, name)
        # one copy of each, though nobody knows what became of the second
        same(sorted(m.recipients[0].split("@")[0] for m in peers[name].messages), ["one", "three", "two"],
             name)


def test_reuse_limits_hold(t):
    daemon, peers = world(t, {"s_a": {}}, {"smtp.connection_reuse_count_limit": 1})
    send(daemon, peers, s_a=["u%d" % n for n in range(4)])
    daemon.wait_deliveries(4, status="sent", timeout=40)
    same([s.transactions for s in peers["s_a"].sessions], [2, 2])


def test_one_connection_with_many_messages(t):
    daemon, peers = world(t, {"s_a": {}, "l_a": {}})
    for number in range(150):
        daemon.send(["a%d@s_a.test" % number, "b%d@s_a.test" % number], sender="")
        daemon.send(["a%d@l_a.test" % number, "rcpt550-%d@l_a.test" % number], sender="")
    all_sent(daemon, peers)
    daemon.wait_deliveries(450, status="sent", timeout=60)
    daemon.wait_deliveries(150, status="bounced")
    for peer in peers.values():
        same(len(peer.messages), 150)
        same(len({m.id for m in peer.messages}), 150)
        same(peer.connections_max, 1)
