"""control { http }: metrics, state of health and status for whoever reaches the address;
nobody can hurt the queue.
"""

import http.client
import json
import re
import socket
import time

import processes
from ports import reserved_port
from servers import connect
from harness import same

GUESTS_MAX = 64        # connections at a time, as in daemon/control/control_guests.c


def listening(t, settings=None, peer=None):
    """A daemon with an HTTP address, and that address."""
    address = ("127.0.0.1", reserved_port())
    return t.daemon(peer or t.peer(), {"control.http": "%s:%d" % address, **(settings or {})}), address


def ask(address, path, method="GET", headers=None, body=None, timeout=100):
    """One request: (status, headers, body as text)."""
    connection = http.client.HTTPConnection(*address, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


def raw(address, data, timeout=100):
    """All that comes back for DATA, up to the end of the connection or its reset."""
    came = b""
    with connect(address) as sock:
        sock.settimeout(timeout)
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while chunk := sock.recv(65536):
                came += chunk
        except OSError:       # reset: what was said is refused unread
            pass
    return came


def mail_flows(daemon, peer):
    before = len(peer.messages)
    daemon.send("u@example.org")
    peer.wait_messages(before + 1)


def test_what_everybody_may_read(t):
    daemon, address = listening(t)
    for path, kind in (("/", "text/plain"), ("/metrics", "text/plain; version=0.0.4"),
                       ("/healthz", "application/json"),
                       ("/status", "application/json"), ("/destinations", "application/json")):
        status, headers, body = ask(address, path)
        same(status, 200, path)
        assert headers["Content-Type"].startswith(kind), (path, headers["Content-Type"])
        same(int(headers["Content-Length"]), len(body), path)
        if kind == "application/json":
            json.loads(body)
    same(json.loads(ask(address, "/healthz")[2]), {"healthy": True})


def test_head(t):
    """Load balancers ask with HEAD: the same head, no body."""
    daemon, address = listening(t)
    for path in ("/healthz", "/metrics", "/no-such-path"):
        length = int(ask(address, path)[1]["Content-Length"])
        answer = raw(address, b"HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
        head, _, body = answer.partition(b"\r\n\r\n")
        same(body, b"", path)
        assert abs(int(re.search(rb"Content-Length: (\d+)", head).group(1)) - length) < 10, (path, head)


def test_nothing_can_be_changed_nor_mail_be_seen(t):
    peer = t.peer({"final": "451 4.3.0 not now"})
    daemon, address = listening(t, {"queue.minimal_backoff_time": "1h", "queue.maximal_backoff_time": "1h"},
                                peer)
    daemon.send("u@example.org")
    ident = daemon.wait_delivery("u@example.org", "deferred")["id"]
    for method, path in (("POST", "/retry?all=1"), ("POST", "/reload"), ("POST", "/delete?all=1"),
                         ("POST", "/hold?all=1"), ("POST", "/suspend?name=lmtp"), ("GET", "/queue"),
                         ("GET", "/queue/" + ident), ("GET", "/config"), ("GET", "/config/myhostname"),
                         ("GET", "/explain?name=u@example.org")):
        status, _, body = ask(address, path, method)
        same(status, 404, path)
        assert "error" in json.loads(body), body
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        same(ask(address, "/metrics", method)[0], 405, method)
    same([m["id"] for m in daemon.queue()], [ident])
    same(len(daemon.deliveries()), 1)


def test_malformed_requests(t):
    """Each gets an error or the end of the connection, and the queue process is the same as before."""
    peer = t.peer()
    daemon, address = listening(t, peer=peer)
    before = daemon.pids("queue")
    for data in (b"\r\n\r\n", b"nonsense\r\n\r\n", b"\0" * 4096, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                 b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"GET //@:99999999/ HTTP/1.1\r\n\r\n",
                 b"GET /%zz%00%0d%0a?%ff=%ff&&&=&=a HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"BREW /metrics HTTP/1.1\r\n\r\n", b"GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                 b"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
                 b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\n\r\n",
                 b"GET / HTTP/1.1\r\nA: " + b"b" * 1_000_000, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 100_000,
                 b"POST /metrics HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 1_000_000,
                 b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xff" * 500):
        answer = raw(address, data)
        assert not answer or re.match(rb"HTTP/1\.[01] [45]\d\d ", answer), (data[:40], answer[:200])
    same(daemon.pids("queue"), before)
    same(ask(address, "/healthz")[0], 200)
    mail_flows(daemon, peer)


def test_a_path_is_shown_clean(t):
    """What stands in an address cannot move a cursor, nor add a header."""
    daemon, address = listening(t)
    status, headers, body = ask(address, "/%1b%5b2J%0d%0aSet-Cookie:%20a%c2%9b%ff")
    same(status, 404)
    assert "Set-Cookie" not in headers and not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", body), (headers,
                                                                                                  body)
    assert "\\u00" not in body, body


def test_silent_guests_leave_room_for_others(t):
    """Some hundred connections on which nothing is said: descriptors are bounded,
    and who asks is served soon.
    """
    peer = t.peer()
    daemon, address = listening(t, peer=peer)
    mail_flows(daemon, peer)
    queue, = daemon.pids("queue")
    before = processes.descriptors(queue)      # some of them the message's, which may still be open
    silent = [connect(address) for _ in range(3 * GUESTS_MAX)]
    try:
        processes.wait_for(lambda: processes.descriptors(queue) >= before + GUESTS_MAX - 8, 10,
                           "the house full")
        assert processes.descriptors(queue) <= before + GUESTS_MAX + 16, processes.descriptors(queue)
        mail_flows(daemon, peer)
        assert "total" in daemon.ctl("status", "--json")["queue"], "the operator's door"
        same(ask(address, "/healthz", timeout=150)[0], 200)
    finally:
        for sock in silent:
            sock.close()
    processes.wait_for(lambda: processes.descriptors(queue) <= before + 4, 30, "all descriptors given back")


def test_a_guest_who_dawdles_is_sent_away(t):
    """A byte now and then is no request: with the house full such a guest has two seconds."""
    daemon, address = listening(t)
    queue, = daemon.pids("queue")
    slow = [connect(address) for _ in range(GUESTS_MAX)]
    left = set(slow)
    end = time.monotonic() + 100
    while left and time.monotonic() < end:
        for sock in list(left):
            try:
                sock.sendall(b"G")
                sock.settimeout(0.001)
                if not sock.recv(1000):
                    left.discard(sock)
            except TimeoutError:
                pass
            except OSError:
                left.discard(sock)
        time.sleep(0.05)
    for sock in slow:
        sock.close()
    same(len(left), 0, "connections that were kept")
    same(daemon.pids("queue"), [queue])


def test_answers_that_are_not_read(t):
    """Clients that ask and never read: mail flows, and the next client has its answer."""
    peer = t.peer()
    daemon, address = listening(t, peer=peer)
    deaf = []
    for _ in range(GUESTS_MAX // 2):
        sock = connect(address)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 500)
        deaf.append(sock)
    mail_flows(daemon, peer)
    same(ask(address, "/metrics")[0], 200)
    for sock in deaf:
        sock.close()


def test_the_control_socket_has_the_same_limits(t):
    daemon = t.daemon(t.peer())
    path = daemon.settings["control.socket"]
    queue, = daemon.pids("queue")
    processes.wait_for(lambda: "causeway_couriers 2" in daemon.http("GET", "/metrics")[2], 20,
                       "both couriers")
    before = processes.descriptors(queue)
    silent = []
    for _ in range(2 * GUESTS_MAX):
        sock = socket.socket(socket.AF_UNIX)
        sock.setblocking(False)
        if sock.connect_ex(path) == 0:
            silent.append(sock)
    processes.wait_for(lambda: processes.descriptors(queue) >= before + GUESTS_MAX - 8, 10, "the house full")
    assert processes.descriptors(queue) <= before + GUESTS_MAX + 8
    assert "uptime" in daemon.ctl("status")
    for sock in silent:
        sock.close()


def test_the_address_moves_on_reload(t):
    daemon, address = listening(t)
    other = ("127.0.0.1", reserved_port())
    daemon.settings["control.http"] = "%s:%d" % other
    daemon.write_config()
    daemon.ctl("reload")
    same(ask(other, "/healthz")[0], 200)
    try:
        ask(address, "/healthz")
    except ConnectionRefusedError:
        return
    raise AssertionError("the old address still answers")


def test_ipv6(t):
    port = reserved_port()
    t.daemon(t.peer(), {"control.http": "[::1]:%d" % port})
    connection = http.client.HTTPConnection("::1", port, timeout=100)
    connection.request("GET", "/healthz")
    same(connection.getresponse().status, 200)
