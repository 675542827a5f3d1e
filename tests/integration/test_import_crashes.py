"""Imports whose workers die or meet: each row is imported once."""

from contextlib import suppress
from unittest import mock

from atelier.domain.messages import ImportMessage
from atelier.store import importing
from tests.integration.builders import shown
from tests.integration.test_imports import a_file, adds_up, an_import, names, outcome, report, started
from tests.support.fault_injection import CrashAt, Crashed, Resent, faulty_harness, meanwhile


def test_each_row_is_imported_once_whatever_dies() -> None:
    """The worker dies before and after every write of an import, and the message comes again."""
    number, crashed = 0, True
    with (
        faulty_harness() as (w, faulty),
        mock.patch.object(importing, "CHUNK", 3),
        mock.patch.object(importing, "CHUNKS", 2),
    ):
        content = "name,description\n" + "".join(f"{'' if n % 5 == 3 else n},x\n" for n in range(5))
        while crashed:
            number, crashed = number + 1, False
            for effect in (False, True):
                before = len(names(w))
                made = started(w, content)
                faulty.trouble = trouble = CrashAt(number, effect)
                for _ in range(9):
                    waiting = list(w.imports.waiting)
                    with suppress(Crashed):
                        if not w.bring_in():
                            break
                        continue
                    w.imports.waiting = waiting + w.imports.waiting
                faulty.trouble = CrashAt(0, False)
                found = report(w, made)
                assert outcome(found) == ("succeeded", 5, 4, 1), (number, effect)
                assert [each["line"] for each in found["failures"]] == [5]
                assert len(names(w)) == before + 4
                crashed |= trouble.happened
        assert number > 5
        assert adds_up(w)


def test_a_start_whose_answer_was_lost_sends() -> None:
    with faulty_harness() as (w, faulty):
        made = an_import(w, "name\nStarted")
        faulty.trouble = Resent(faulty)
        assert w.call("POST", f"/imports/{made['id']}/start").status == 202
        assert len(w.imports.waiting) == 1


def test_two_workers_import_each_row_once() -> None:
    """While one is at work, another one takes the same message, and carries out whatever is left."""
    with faulty_harness() as (w, faulty), mock.patch.object(importing, "CHUNK", 3):
        for number in range(1, 5):
            before, made = len(names(w)), started(w, a_file(6))
            message = ImportMessage(user_id=1, import_id=made["id"])

            def both(message: ImportMessage = message) -> None:
                w.imports.send(message)
                w.bring_in()

            with meanwhile(faulty, both, call="transact_write_items", number=number):
                w.bring_in()
            while w.bring_in():
                pass
            assert outcome(report(w, made)) == ("succeeded", 6, 6, 0)
            assert len(names(w)) == before + 6
        assert adds_up(w)


def test_a_cancel_stops_rows_under_way() -> None:
    with faulty_harness() as (w, faulty):
        made = started(w, a_file(3))
        path = f"/imports/{made['id']}/cancel"
        with meanwhile(faulty, lambda: w.call("POST", path)):
            w.bring_in()
        assert outcome(report(w, made)) == ("canceled", 3, 0, 0)
        assert (names(w), w.imports.waiting) == ([], [])


def test_rows_that_are_shown_are_another_version() -> None:
    with faulty_harness() as (w, faulty):
        made, waiting, seen = started(w, a_file(2)), list(w.imports.waiting), {}
        for crash in (CrashAt(2, effect=False), CrashAt(1, effect=True)):
            w.imports.waiting, faulty.trouble = list(waiting), crash
            with suppress(Crashed):
                w.bring_in()
            faulty.trouble = CrashAt(0, False)
            answer = w.call("GET", f"/imports/{made['id']}")
            seen[answer.headers["ETag"]] = answer.json["rows_succeeded"]
        assert list(seen.values()) == [0, 2]


def test_a_row_deleted_meanwhile_is_not_imported_again() -> None:
    with faulty_harness() as (w, faulty):
        made, message = started(w, a_file(1)), list(w.imports.waiting)
        faulty.trouble = CrashAt(2, effect=True)
        with suppress(Crashed):
            w.bring_in()
        (client,) = shown(w, "/clients")["items"]
        assert w.call("DELETE", f"/clients/{client['id']}").status == 204
        w.imports.waiting = message
        w.bring_in()
        assert outcome(report(w, made)) == ("succeeded", 1, 1, 0)
        assert names(w) == []
