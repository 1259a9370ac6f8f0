"""How many pages a process and an address may open, and what a failing callback leaves in the log."""

import logging

import pytest

from app.server.web.admission import Admission, MessageBudget, positive_number
from app.server.web.failures import log_failure

VISITOR, OTHER, HERE = "192.0.2.7", "192.0.2.8", "127.0.0.1"


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("app.server.web.admission.time.monotonic", lambda: now[0])
    return now


def opened(admission, name, address, existing):
    """Open a page; return the sentence of a refusal."""
    refusal = admission.admit(name, address, existing)
    if not refusal:
        existing.add(name)
        admission.note_made(name)
    return refusal


def test_an_address_has_its_own_limit_and_others_are_not_touched(clock):
    admission, existing = Admission(most=10, most_per_address=2), set()
    assert opened(admission, "a", VISITOR, existing) == "" == opened(admission, "b", VISITOR, existing)
    assert "From your network address 2 pages" in opened(admission, "c", VISITOR, existing)
    assert opened(admission, "d", OTHER, existing) == ""
    assert all(opened(admission, f"proxy {n}", HERE, existing) == "" for n in range(5))
    existing.discard("a")
    clock[0] += 60.0
    assert opened(admission, "c", VISITOR, existing) == ""


def test_opening_and_closing_again_and_again_is_slowed_down(clock):
    admission, existing, made = Admission(most=10, most_per_address=3), set(), 0
    for number in range(100):
        clock[0] += 0.1
        if not opened(admission, f"page {number}", VISITOR, existing):
            made += 1
        existing.clear()
    assert 3 + 4 <= made <= 3 + 6  # three at once, then one every two seconds


def test_a_process_has_a_limit_for_all_and_who_is_in_may_return(clock):
    admission, existing = Admission(most=3, most_per_address=3), set()
    for name in "abc":
        assert opened(admission, name, HERE, existing) == ""
    assert "The server is full: 3 pages" in opened(admission, "d", HERE, existing)
    assert opened(admission, "b", HERE, existing) == ""


def test_a_session_that_was_never_made_gives_its_place_back(clock):
    admission = Admission(most=1, most_per_address=1)
    assert admission.admit("a", OTHER, set()) == ""
    assert admission.refusal(HERE, set()) != ""
    clock[0] += 31.0
    assert admission.refusal(HERE, set()) == ""


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("", 5), ("-1", 5), ("0", 5), ("many", 5), ("²", 5)])
def test_limits_of_the_environment_are_positive_numbers(monkeypatch, text, number):
    monkeypatch.setenv("ATMODIST_TEST_LIMIT", text)
    assert positive_number("ATMODIST_TEST_LIMIT", 5) == number


def test_a_browser_may_send_many_messages_and_no_flood(clock):
    budget = MessageBudget(per_second=10, at_once=20, most_bytes=1000)
    assert [budget.refusal(1) for _ in range(20)] == [""] * 20
    assert "per second" in budget.refusal(1)
    clock[0] += 2.0
    assert budget.refusal(900) == ""
    assert "too large" in budget.refusal(200)
    budget.message_ended()
    assert budget.refusal(200) == ""


def failing(kind):
    try:
        raise kind("a fault of the page")
    except kind as error:
        return error


def test_a_repeated_fault_of_the_program_has_one_traceback(caplog):
    with caplog.at_level(logging.WARNING, "atmodist.app"):
        for _ in range(250):
            log_failure(failing(RuntimeError))
    assert [record.exc_info is not None for record in caplog.records].count(True) == 1
    assert len(caplog.records) == 3, "the first, the hundredth and the two hundredth"
