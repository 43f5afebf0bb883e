"""The four systems as their callers see them: real processes, over HTTP."""

import contextlib
import itertools
import json
import socket
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import landscape
import pytest

keys = (f"key-{number}" for number in itertools.count())


def post(http, url, body=None, key=None):
    return http.post(url, json=body or {}, headers={"Idempotency-Key": key or next(keys)})


def reservation(**changes):
    return {"order": "o-1", "sku": "lamp-brass", "quantity": 2} | changes


def charge(**changes):
    return {"order": "o-1", "card": "card-1", "cents": 900} | changes


def shipment(**changes):
    return {"order": "o-1", "country": "BR", "speed": "post"} | changes


def on_hand(http, systems, sku):
    stock = http.get(f"{systems['inventory']}/stock").json()
    return next(row["on_hand"] for row in stock if row["sku"] == sku)


@pytest.mark.parametrize("name", landscape.SYSTEMS)
def test_every_system_says_that_it_is_well(http, systems, name):
    assert http.get(f"{systems[name]}/health").json() == {"status": "ok", "system": name}


def test_a_reservation_takes_stock_and_a_release_puts_it_back(http, systems):
    before = on_hand(http, systems, "lamp-brass")
    made = post(http, f"{systems['inventory']}/reservations", reservation())
    assert (made.status_code, made.json()["state"]) == (201, "reserved")
    assert on_hand(http, systems, "lamp-brass") == before - 2
    released = post(http, f"{systems['inventory']}/reservations/{made.json()['id']}/release")
    assert (released.status_code, released.json()["state"]) == (200, "released")
    assert on_hand(http, systems, "lamp-brass") == before


def test_releasing_twice_puts_stock_back_once(http, systems):
    before = on_hand(http, systems, "rug-wool")
    made = post(http, f"{systems['inventory']}/reservations", reservation(sku="rug-wool")).json()
    for _ in range(2):
        post(http, f"{systems['inventory']}/reservations/{made['id']}/release")
    assert on_hand(http, systems, "rug-wool") == before


def test_a_key_sent_again_gets_the_same_answer_and_has_no_second_effect(http, systems):
    key = next(keys)
    before = on_hand(http, systems, "chair-oak")
    url = f"{systems['inventory']}/reservations"
    answers = [post(http, url, reservation(sku="chair-oak"), key) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert on_hand(http, systems, "chair-oak") == before - 2


def test_a_key_sent_many_times_at_once_has_one_effect(http, systems):
    key = next(keys)
    with ThreadPoolExecutor(8) as pool:
        url = f"{systems['payments']}/charges"
        body = charge(order="at-once")
        answers = list(pool.map(lambda _: post(http, url, body, key).json()["id"], range(16)))
    assert len(set(answers)) == 1
    charges = http.get(f"{systems['payments']}/charges").json()
    assert sum(row["order"] == "at-once" for row in charges) == 1


def test_a_key_used_for_another_request_is_refused(http, systems):
    key = next(keys)
    url = f"{systems['payments']}/charges"
    assert post(http, url, charge(), key).status_code == 201
    assert post(http, url, charge(cents=901), key).status_code == 422


def test_a_post_without_a_key_is_refused(http, systems):
    answer = http.post(f"{systems['payments']}/charges", json=charge())
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("route", "body", "status"),
    [
        ("inventory/reservations", reservation(sku="clock-cuckoo"), 409),
        ("inventory/reservations", reservation(quantity=100_000), 409),
        ("payments/charges", charge(card="card-declined"), 402),
        ("shipping/shipments", shipment(country="AQ"), 422),
        ("shipping/shipments", shipment(speed="rocket"), 400),
        ("inventory/reservations", reservation(quantity="two"), 400),
        ("inventory/reservations/none/release", {}, 404),
        ("inventory/nowhere", {}, 404),
    ],
)
def test_what_the_data_forbids_is_refused_each_time(http, systems, route, body, status):
    system, _, path = route.partition("/")
    key = next(keys)
    for _ in range(2):
        answer = post(http, f"{systems[system]}/{path}", body, key)
        assert (answer.status_code, answer.json()["status"]) == (status, status)


def test_a_body_that_is_not_json_is_refused(http, systems):
    url = f"{systems['payments']}/charges"
    answer = http.post(url, content=b"{", headers={"Idempotency-Key": next(keys)})
    assert answer.status_code == 400


def test_half_a_request_uses_up_no_key(http, systems):
    key = next(keys)
    address = urlsplit(systems["payments"])
    head = (
        f"POST /charges HTTP/1.1\r\nHost: x\r\nIdempotency-Key: {key}\r\nContent-Length: 50\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port)) as line:
        line.sendall(head.encode())
        line.shutdown(socket.SHUT_WR)
        assert line.recv(1000) == b""
    assert post(http, f"{systems['payments']}/charges", charge(), key).status_code == 201


def test_a_busy_bank_answers_at_the_third_try_under_each_key(http, systems):
    url = f"{systems['payments']}/charges"
    for key in (next(keys), next(keys)):
        tries = [post(http, url, charge(card="card-busy"), key).status_code for _ in range(4)]
        assert tries == [503, 503, 201, 201]


def test_a_bank_that_is_down_never_answers(http, systems):
    url = f"{systems['payments']}/charges"
    key = next(keys)
    tries = {post(http, url, charge(card="card-down"), key).status_code for _ in range(5)}
    assert tries == {503}


def test_a_refund_gives_the_charge_back(http, systems):
    made = post(http, f"{systems['payments']}/charges", charge()).json()
    back = post(http, f"{systems['payments']}/charges/{made['id']}/refund")
    assert (back.status_code, back.json()["state"]) == (200, "refunded")


def test_payments_describe_their_operations(http, systems):
    document = http.get(f"{systems['payments']}/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": systems["payments"]}]
    operations = {p["post"]["operationId"]: path for path, p in document["paths"].items()}
    assert operations == {"chargeCard": "/charges", "refundCharge": "/charges/{charge}/refund"}


def test_a_shipment_is_booked_and_called_off(http, systems):
    made = post(http, f"{systems['shipping']}/shipments", shipment(order="o-9")).json()
    gone = post(http, f"{systems['shipping']}/shipments/{made['id']}/cancel").json()
    assert gone == made | {"state": "cancelled"}
    assert gone in http.get(f"{systems['shipping']}/shipments").json()


def test_everything_asked_is_on_record(http, systems):
    order = "on-record"
    body = {"order": order, "customer": "c", "text": "hello"}
    key = next(keys)
    for _ in range(2):
        post(http, f"{systems['notifications']}/messages", body, key)
    asked = http.get(f"{systems['notifications']}/requests").json()
    mine = [row for row in asked if row["order_id"] == order]
    assert [(r["operation"], r["status"], r["repeated"]) for r in mine] == [
        ("tell", 201, 0),
        ("tell", 201, 1),
    ]


def test_what_a_system_did_survives_its_end(http, tmp_path):
    key = next(keys)
    with landscape.running_system("payments", tmp_path) as address:
        first = post(http, f"{address}/charges", charge(), key)
    with landscape.running_system("payments", tmp_path) as address:
        again = post(http, f"{address}/charges", charge(), key)
        assert again.json() == first.json()
        assert len(http.get(f"{address}/charges").json()) == 1


def started(name, database):
    """A system that the test ends itself: its process and its address."""
    command = [sys.executable, str(landscape.FOLDER / f"{name}.py"), "--database", str(database)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    return process, json.loads(process.stdout.readline())["address"]


def test_a_system_that_is_killed_keeps_its_effects_and_their_answers_together(http, tmp_path):
    database = tmp_path / "inventory.sqlite"
    process, address = started("inventory", database)
    with process:
        answered = 0
        with ThreadPoolExecutor(4) as pool:
            url = f"{address}/reservations"
            tries = [pool.submit(post, http, url, reservation(quantity=1)) for _ in range(60)]
            tries[20].result()
            process.kill()
            answered = sum(t.exception() is None for t in tries)
    with contextlib.closing(sqlite3.connect(database)) as db:
        held = db.execute("select count(*) from reservations").fetchone()[0]
        stored = db.execute("select count(*) from answers").fetchone()[0]
        gone = db.execute("select sum(stocked - on_hand) from stock").fetchone()[0]
    assert held == stored == gone
    assert 0 < answered <= held


def test_sigterm_ends_a_system_well(tmp_path):
    process, _ = started("shipping", tmp_path / "shipping.sqlite")
    with process:
        process.terminate()
        assert process.wait(10) == 0
    assert not (tmp_path / "shipping.sqlite-wal").exists()
