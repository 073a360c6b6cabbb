"""Checks, hints, predictions: what they say to every kind of answer, and that they never raise."""

import builtins
import copy
import dataclasses
import functools
import os
import random
import re
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FunctionType

import numpy as np
import pytest
import torch
from exercise_tools import (
    answer,
    blanks,
    messages,
    names_before,
    notebook_of,
    prompts,
    recommended,
    solutions,
    surroundings,
)
from torch import Tensor, nn

from googlenet_lib import exercises
from googlenet_lib.errors import UsageError
from googlenet_lib.exercises import (
    check,
    checks,
    comparing,
    guess,
    hint,
    reveal,
    running,
    summary,
    tools,
)
from googlenet_lib.exercises.blank import is_blank
from googlenet_lib.exercises.checks import calibration, judge
from googlenet_lib.exercises.exercise import Exercise, Prediction, Wrong, find_notebook, notebooks
from googlenet_lib.exercises.session import session
from googlenet_lib.exercises.tools import Case, Slip, build, call, describe, difference, same_as

EXERCISES = {one.id: one for number in notebooks() for one in find_notebook(number).EXERCISES}
PREDICTIONS = {one.id: one for number in notebooks() for one in find_notebook(number).PREDICTIONS}


def double(numbers):
    return [2 * number for number in numbers]


def same_as_double(given):
    slips = (Slip(lambda numbers: [n * n for n in numbers], "They were squared."),)
    same_as(given, double, [Case(([3, 4],)), Case(([],), advice="Mind the empty.")], slips, "Look.")


DOUBLE = Exercise("99.1", "Double", same_as_double, ("first", "second"), "it matters.")
BRIEF = dataclasses.replace(DOUBLE, seconds=0.3)
BOTH = (
    Prediction("99.a", "How many?", tolerance=5, least=0, most=100),
    Prediction("99.b", "Which lane?", choices=("1x1", "3x3")),
)


@pytest.fixture(autouse=True)
def _fresh():
    session.reset()
    yield
    session.reset()


@pytest.fixture
def lesson(monkeypatch):
    """A notebook 99 with one exercise and two predictions."""
    from googlenet_lib.exercises import exercise

    module = type("nb99", (), {"EXERCISES": (DOUBLE,), "PREDICTIONS": BOTH})
    find = exercise.find_notebook
    for place in (exercise, checks):
        monkeypatch.setattr(place, "find_notebook", lambda n: module if n == "99" else find(n))


@pytest.fixture
def printed(capsys):
    def take():
        return capsys.readouterr().out

    return take


def says(given, exercise=DOUBLE):
    verdict = judge(exercise, given)
    assert verdict.outcome == "wrong"
    return verdict.says


# ---- Blanks --------------------------------------------------------------------------------------


def documented(x):
    """Says what to do."""


def dotted(x, y=1, *, z=2):
    """Says what to do."""
    ...  # your turn


def passing():
    pass


def returning(x):
    return ...


class Untouched(nn.Module):
    def __init__(self, widths):
        super().__init__()
        ...

    def forward(self, x): ...


class HalfDone(nn.Module):
    def __init__(self, widths):
        super().__init__()
        self.layer = nn.Linear(widths, widths)

    def forward(self, x): ...


class OtherHalf(nn.Module):
    def __init__(self, widths, *, depth):
        super().__init__()

    def forward(self, x):
        return self.layer(x)


class Empty(nn.Module):
    """Nothing here."""


class OfABlank(HalfDone):
    def extra(self):
        return 1


@dataclasses.dataclass
class Record:
    width: object


BLANK = (None, ..., documented, dotted, passing, returning, lambda x: ..., Untouched, HalfDone)
BLANK += (OtherHalf, Empty, functools.partial(dotted, 1), {...}, [1, ...], {"a": ...})
BLANK += (torch.no_grad()(dotted), HalfDone(3).forward, OfABlank)
BLANK += (([0, -1, ...], 1), {"a": [(1, {2, ...})]}, Record(...), [Record([...])])


@pytest.mark.parametrize("given", BLANK, ids=lambda given: getattr(given, "__name__", None))
def test_a_blank_is_not_attempted(given):
    verdict = judge(DOUBLE, given)
    assert (verdict.outcome, verdict.says) == ("blank", "not attempted yet")


class NoWidths(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        return x


class ForwardAlone(nn.Module):
    def forward(self, x):
        return x


class WithAStub(ForwardAlone):
    """Right, with a method that is not asked for."""

    def extra(self):
        pass

    def other(self, x): ...


class Inherits(WithAStub):
    pass


holds_itself = []
holds_itself.append(holds_itself)

NOT_BLANK = (0, "", [], {}, lambda x: None or x, lambda: 0, double, NoWidths, ForwardAlone, max)
NOT_BLANK += (HalfDone(3), torch.zeros(2), lambda x: print(x), WithAStub, Inherits)
NOT_BLANK += (holds_itself, Record(1), Record, nn.Linear, (1, "..."))


@pytest.mark.parametrize("given", NOT_BLANK)
def test_what_was_begun_is_no_blank(given):
    assert not is_blank(given)


# ---- Faults, each with a message of its own ------------------------------------------------------


def test_a_right_answer_says_why_it_matters():
    assert judge(DOUBLE, double) == checks.Verdict("right", "correct: it matters.")


def test_a_wrong_one_says_the_case_and_what_it_saw_but_not_what_is_right():
    said = says(lambda numbers: [n + 2 for n in numbers])
    assert said == "not yet: your lambda([3, 4]) returned [5, 6]. Look."
    assert "8" not in said


def test_a_wrong_type_is_told_before_the_number_is_looked_at():
    said = says(lambda numbers: torch.tensor(double(numbers)))
    assert said.endswith("Expected is a list; a tensor of 2 numbers came. `.tolist()` makes one.")


def test_a_slip_must_fit_the_cases_that_were_right_as_well():
    cases = [Case(([0],)), Case(([3],)), Case(([4],))]
    slips = (Slip(lambda numbers: [0], "Nothing but zero."),)
    with pytest.raises(Wrong) as refused:
        same_as(lambda n: [0] if n == [4] else double(n), double, cases, slips, "Look.")
    assert str(refused.value).endswith("returned [0]. Look.")


def rounded_up(pixels):
    return -(-pixels // 3)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (lambda n: n / 3, "returned 2.33333. No parts."),  # where the slip is not right
        (lambda n: float(rounded_up(n)), "2.0. Expected is an int; a float came. `/` and"),
        (lambda n: n // 3, "returned 2. Round up."),
        (lambda n: float(n // 3), "2.0. Expected is an int; a float came. `/` and"),
        (lambda n: 2, "returned 2. It is the same whatever goes in. Look."),
        (lambda n: 0, "returned 0. It is the same whatever goes in. Look."),
        (lambda n: n // 4 if n > 6 else 2, "(7) returned 1. Look."),  # one slip, by accident
        (lambda n: 2 * n if n != 301 else 5, "your lambda(400) returned 800. Doubled."),
        (lambda n: rounded_up(n) if n < 9 else None, "returned None"),
    ],
)
def test_a_slip_is_told_only_if_the_answer_makes_it(given, words):
    slips = (
        Slip(lambda n: n / 3, "No parts."),
        Slip(lambda n: n // 3, "Round up."),
        Slip(lambda n: 1 if n == 7 else n, "Not at all."),
        Slip(lambda n: 2 * n, "Doubled."),
    )
    with pytest.raises(Wrong) as refused:
        same_as(given, rounded_up, [Case((n,)) for n in (6, 7, 400, 301)], slips, "Look.")
    assert words in str(refused.value)


def test_an_error_of_the_check_is_not_told_as_the_learner_s():
    def test(answer):
        torch.zeros(2, 3) @ torch.zeros(2, 3)

    given = FunctionType(double.__code__, {"__name__": "elsewhere"})  # this file is not its own
    said = says(given, Exercise("99.4", "", test, ("",), ""))
    assert said.startswith("not yet: what came back cannot be compared with what is asked for.")
    assert "mat1" not in said


def test_an_error_of_the_learner_is_told_wherever_it_is_met():
    def test(answer):
        next(answer(1))

    def fails(n):
        yield n / 0

    said = says(fails, Exercise("99.4", "", test, ("",), ""))
    assert "it raised ZeroDivisionError: division by zero, in your line" in said


def test_a_known_slip_is_told_by_name():
    assert says(lambda numbers: [n * n for n in numbers]).endswith("They were squared.")


def test_an_exception_is_told_with_the_line_of_the_learner():
    def fails(numbers):
        total = sum(numbers)
        return total / 0

    said = says(fails)
    assert "fails([3, 4]) raised ZeroDivisionError: division by zero, in your line" in said
    assert "`return total / 0`" in said


def test_an_exception_inside_a_library_is_told_with_the_line_that_called_it():
    def fails(numbers):
        return torch.cat([torch.zeros(2, 2), torch.zeros(3)])

    assert "`return torch.cat([torch.zeros(2, 2), torch.zeros(3)])`" in says(fails)


def test_advice_comes_with_the_case_that_raised():
    assert says(lambda numbers: [2 * numbers[0], 2 * numbers[-1]]).endswith("Mind the empty.")


def test_a_wrong_signature_is_told_as_such():
    said = says(lambda a, b: a)
    assert "cannot be called so" in said
    assert "missing 1 required positional argument" in said


def test_a_forgotten_return_is_told_as_such():
    assert "returned None. Is `return` missing?" in says(lambda numbers: print(numbers))


def test_a_blank_inside_is_told_as_such():
    def half(numbers):
        result = ...
        return result

    assert "a `...` still to be filled" in says(half)
    assert "a `...` still to be filled" in says(lambda numbers: [{"a": [1, ...]}])


def test_an_input_that_was_changed_is_told_as_such():
    def changes(numbers):
        for i in range(len(numbers)):
            numbers[i] *= 2
        return list(numbers)

    assert "changed its input, [3, 4]" in says(changes)


def test_a_tensor_that_was_changed_is_noticed_and_the_caller_s_is_as_it_was():
    mine = torch.ones(3)
    with pytest.raises(Wrong, match="changed its input, a float32 tensor of shape"):
        call(lambda x: x.mul_(2), mine)
    assert torch.equal(mine, torch.ones(3))


def test_what_is_printed_is_shown_in_part():
    def chatty(numbers):
        for i in range(1000):
            print(f"step {i}")
        return double(numbers)

    verdict = judge(DOUBLE, chatty)
    assert verdict.outcome == "right"
    assert verdict.printed == ("your code printed: step 0 | step 1 | step 2 | and 1,997 more")


def test_what_is_printed_without_end_fills_no_memory():
    text = running.Printed()
    for _ in range(100):
        print("x" * 1000, file=text)
    assert len(text.text) <= 2 * running.MOST_KEPT


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("function", 8, "8 came, where a function is asked for: its name alone, without brackets"),
        ("function", NoWidths, "the class NoWidths came, where a function is asked for"),
        ("class", HalfDone(3), "an object of HalfDone came, where a class is asked for"),
        ("class", double, "double (a function) came, where a class is asked for"),
        ("value", double, "double (a function) came, where its result is asked for"),
    ],
)
def test_the_wrong_kind_of_thing_is_told_as_such(kind, given, words):
    assert words in says(given, Exercise("99.2", "", lambda answer: None, ("",), "", kind))


def test_a_class_is_built_and_its_faults_told():
    class NoModule:
        def __init__(self, width):
            self.width = width

    class NoSuper(nn.Module):
        def __init__(self, width):
            self.layer = nn.Linear(width, width)

    with pytest.raises(Wrong, match=r"NoModule is no nn\.Module"):
        build(NoModule, 3)
    with pytest.raises(Wrong, match=r"cannot assign module before.*in your line.*nn\.Linear"):
        build(NoSuper, 3)
    assert isinstance(build(nn.Linear, 3, 2), nn.Linear)


def test_exit_and_strange_results_do_not_get_out():
    class Strange(list):
        def __len__(self):
            raise RuntimeError("no length today")

    assert "raised SystemExit" in says(lambda numbers: exit())
    assert "no length today" in says(lambda numbers: Strange())


def test_the_person_at_the_keyboard_can_stop():
    def stopped(numbers):
        with suppress(BaseException):
            signal.raise_signal(signal.SIGINT)
        return double(numbers)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # xdist's workers ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            judge(DOUBLE, stopped)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


class Own(BaseException):
    def __str__(self):
        raise KeyError("no words")

    __repr__ = __str__


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit, Own, SystemExit, MemoryError])
def test_whatever_an_answer_raises_is_its_fault(error):
    def fails(numbers):
        raise error

    said = says(fails)
    assert f"fails([3, 4]) raised {error.__name__}, in your line" in said


def test_a_long_message_ends_with_a_whole_word():
    def fails(numbers):
        raise ValueError("window " * 100)

    said = says(fails)
    assert "window ..., in your line" in said


# ---- Time ----------------------------------------------------------------------------------------


def endless(numbers):
    while True:
        with suppress(Exception):
            numbers = numbers[:]


def test_a_loop_without_end_is_stopped_and_the_line_told():
    start = time.monotonic()
    said = says(endless, BRIEF)
    assert time.monotonic() - start < 5
    assert "endless([3, 4]) took too long and was stopped, in your line" in said


def catches_all(numbers):
    while True:
        try:
            time.sleep(0.05)
        except:  # noqa: E722
            numbers = numbers[:]


def catches_twice(numbers):
    with torch.no_grad():
        while True:
            try:
                with suppress(BaseException):
                    sum(range(1000))
            except BaseException:
                continue


def goes_on(numbers):
    while True:
        try:
            sum(range(1000))
        finally:
            continue  # noqa: B012


def ignores_the_alarm(numbers):
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    while True:
        sum(range(1000))


def stops_the_clock(numbers):
    signal.setitimer(signal.ITIMER_REAL, 0)
    catches_all(numbers)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timer")
@pytest.mark.parametrize(
    "given", [catches_all, catches_twice, goes_on, ignores_the_alarm, stops_the_clock]
)
def test_a_loop_that_catches_everything_is_stopped(given, monkeypatch):
    monkeypatch.setattr(running, "PATIENCE", 0.2)
    before = signal.getsignal(signal.SIGALRM)
    start = time.monotonic()
    assert f"{given.__name__}([3, 4]) took too long and was stopped" in says(given, BRIEF)
    assert time.monotonic() - start < 5
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL)[1] == 0


def test_a_loop_without_end_is_stopped_in_other_threads_too():
    said = []
    thread = threading.Thread(target=lambda: said.append(says(endless, BRIEF)), daemon=True)
    thread.start()
    thread.join(timeout=20)
    assert "took too long and was stopped, in your line" in said[0]


def test_a_loop_without_end_is_stopped_where_there_is_no_timer(monkeypatch):
    monkeypatch.delattr(signal, "setitimer", raising=False)
    assert "took too long" in says(endless, BRIEF)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timer")
def test_somebody_else_s_alarm_goes_on():
    before = signal.getsignal(signal.SIGALRM)
    old = signal.setitimer(signal.ITIMER_REAL, 500)
    try:
        judge(DOUBLE, double)
        assert 400 < signal.getitimer(signal.ITIMER_REAL)[0] <= 500
        assert signal.getsignal(signal.SIGALRM) is before
    finally:
        signal.setitimer(signal.ITIMER_REAL, *old)


def test_an_import_is_not_stopped_halfway(tmp_path, monkeypatch):
    (tmp_path / "slow_to_import.py").write_text(
        "import time\nstart = time.monotonic()\nwhile time.monotonic() - start < 0.6: pass\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(running, "PATIENCE", 0.1)

    def imports(numbers):
        import slow_to_import

        while slow_to_import:
            pass

    said = says(imports, BRIEF)
    assert "in your line" in said
    assert "import slow" not in said


@pytest.mark.parametrize("limit", [running._by_signal, running._by_thread])
def test_an_import_without_end_is_stopped(tmp_path, monkeypatch, limit):
    if limit is running._by_signal and not hasattr(signal, "setitimer"):
        pytest.skip("this system has no interval timer")
    (tmp_path / "never_imported.py").write_text("while True: pass\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(running, "PATIENCE", 0.05)
    monkeypatch.setattr(running, "LOOKS", 3)
    with pytest.raises(running.TooLong), limit(0.1, {__name__}):
        import never_imported  # noqa: F401


def test_in_a_kernel_as_here():
    """Signals, source lines and prints are a notebook's own there; two runs print the same."""
    import nbformat
    from nbclient import NotebookClient

    sources = (
        "from googlenet_lib.exercises import check, checks\n"
        "from googlenet_lib.exercises.exercise import Exercise\n"
        "from googlenet_lib.exercises.tools import call\n"
        "def test(answer):\n    call(answer, 3)\n"
        "one = Exercise('99.1', '', test, (), 'it matters.', seconds=0.3)\n"
        "checks.find_exercise = lambda id: one",
        "def endless(n):\n    while True:\n        n + 1\n\ncheck('99.1', endless)",
        "def fails(n):\n    print('here')\n    return n / 0\n\ncheck('99.1', fails)",
        "def blank(n):\n    ...\n\ncheck('99.1', blank)",
    )
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    NotebookClient(book, timeout=120, kernel_name="python3").execute()
    first, *others = ["".join(o.text for o in cell.outputs) for cell in book.cells[1:]]
    first, others = " ".join(first.split()), [" ".join(other.split()) for other in others]
    assert first.startswith("99.1 not yet: endless(3) took too long and was stopped, in your line ")
    assert others == [
        "99.1 not yet: fails(3) raised ZeroDivisionError: division by zero, in your line 3: "
        "`return n / 0`. your code printed: here",
        "99.1 not attempted yet",
    ]


def test_a_check_leaves_no_trace_in_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inner").mkdir()
    before = [get() for get, _ in running.SETTINGS]

    def changes(numbers):
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_num_threads(torch.get_num_threads() + 1)
        torch.set_deterministic_debug_mode("error")
        torch.set_grad_enabled(False)
        torch.autograd.set_detect_anomaly(True)
        sys.setrecursionlimit(sys.getrecursionlimit() + 7)
        os.chdir("inner")
        return double(numbers)

    judge(DOUBLE, changes)
    assert [get() for get, _ in running.SETTINGS] == before

    def seen(given):
        """Nor do they reach what the check makes after a first call."""
        call(given, [3])
        return torch.ones(1), torch.is_grad_enabled()

    one, grad = seen(changes)
    assert (one.dtype, one.device.type, grad) == (torch.float32, "cpu", True)


def test_what_the_notebook_has_set_does_not_reach_a_check():
    def plain(given):
        assert (torch.ones(1).dtype, torch.ones(1).device.type) == (torch.float32, "cpu")

    exercise = Exercise("99.3", "", plain, ("",), "why.")
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    try:
        assert judge(exercise, double).outcome == "right"
        assert (torch.ones(1).dtype, torch.ones(1).device.type) == (torch.float64, "meta")
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)


def test_what_an_answer_replaces_is_put_back():
    places = [torch, torch.Tensor, nn.Module, nn.functional, np, builtins]
    names = ["cat", "add", "__call__", "relu", "ceil", "sum"]
    before = [getattr(place, name) for place, name in zip(places, names, strict=True)]

    def patches(numbers):
        for place, name in zip(places, names, strict=True):
            setattr(place, name, lambda *_: None)
        return double(numbers)

    judge(DOUBLE, patches)
    assert [getattr(place, name) for place, name in zip(places, names, strict=True)] == before
    assert "add" not in vars(torch.Tensor)


def test_a_check_leaves_no_trace_in_random_numbers_and_gradients():
    torch.manual_seed(5)
    random.seed(5)
    np.random.seed(5)
    expected, others = torch.rand(3), (random.random(), np.random.rand())
    torch.manual_seed(5)
    random.seed(5)
    np.random.seed(5)

    def draws(numbers):
        torch.manual_seed(9)
        torch.rand(7)
        random.random()
        np.random.rand()
        return double(numbers)

    with torch.no_grad():
        judge(DOUBLE, draws)
        assert not torch.is_grad_enabled()
    assert torch.equal(torch.rand(3), expected)
    assert (random.random(), np.random.rand()) == others


# ---- Comparing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        *((3, 3), (0.5000001, 0.5), (1, 1.0), ("a", "a"), ([1, 2.0], (1, 2.0)), (True, True)),
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.000001])),
        ({"a": torch.ones(2)}, {"a": torch.ones(2)}),
        *((np.int64(3), 3), (np.float64(0.5), 0.5), (np.float32(2), 2.0), (np.True_, True)),
        ([np.int64(3), np.False_, np.str_("a")], [3, False, "a"]),
    ],
)
def test_equal_values_differ_in_nothing(result, expected):
    assert difference(result, expected) is None


@pytest.mark.parametrize(
    ("result", "expected", "words"),
    [
        (4, 3, ""),
        (3.0, 3, "an int"),
        (True, 1, "an int; True or False came"),
        (1, True, "True or False; an int came"),
        (0.5, True, "a float came."),
        (torch.tensor(3), 3, "`.item()` makes"),
        (np.array([3]), 3, "a NumPy array came. `.item()` makes"),
        (torch.ones(4), 3.0, "a plain number; a tensor of 4 numbers came."),
        (torch.ones(4), [3.0], "`.tolist()` makes one."),
        ((n for n in ()), [], "a list; a generator came. `list(...)` makes one"),
        (filter(None, ()), [], "a list; a filter came. `list(...)` makes one"),
        ({}.keys(), [], "a dict_keys came. `list(...)` makes one"),
        (range(3), [0, 1, 2], "a list; a range came"),
        ({1}, [1], "a list; a set came. A set has no order."),
        ({1: 1}, [1], "a list; a dict came."),
        ([1], {1}, "a set; a list came."),
        ([1], {1: 1}, "a dict; a list came."),
        (3, [3], "a list; an int came."),
        (1j, 1.0, "a plain number; a complex came."),
        (None, 1.0, "a plain number; None came."),
        (10**400, 1.0, ""),
        (float("inf"), 10**400, "an int; a float came"),
        ([1.5, None], [1.0, 1.0], "In place [1]: expected is a plain number; None came."),
        ({"a": [torch.ones(1)]}, {"a": [1.0]}, "In place ['a']: in place [0]: expected"),
        ([1], [1, 2], "1 entry,"),
        ([], [1, 2], "0 entries,"),
        (3.0, torch.ones(2), "a tensor; a float came."),
        ([1.0, 1.0], torch.ones(2), "a tensor; a list came. `torch.tensor(...)` makes one"),
        ([torch.ones(2)], torch.ones(2), "a tensor; a list came."),
        (np.ones(2), torch.ones(2), "a NumPy array came. `torch.from_numpy(...)` makes one"),
        (torch.ones(2, device="meta"), torch.ones(2), "the device meta; expected is cpu"),
        (torch.ones(2).to_sparse(), torch.ones(2), "layout is torch.sparse_coo"),
        (torch.ones(3), torch.ones(2), "shape is (3,); expected is (2,)"),
        (torch.ones(2, dtype=torch.float64), torch.ones(2), "torch.float64"),
        (torch.tensor([1.0, 1.5]), torch.ones(2), "up to 0.5"),
        (torch.tensor([1.0, float("nan")]), torch.ones(2), "nan"),
        (torch.tensor([1, 2]), torch.tensor([1, 3]), "wrong at 1 of 2"),
        ("8", 8, "an int; a text came"),
        (8, "8", "a text; an int came"),
        (float("nan"), 1.0, ""),
    ],
)
def test_differences_are_told(result, expected, words):
    found = difference(result, expected)
    assert found is not None
    assert found.endswith(words) if words.endswith(".") else words in found


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (torch.zeros(2, 3), "a float32 tensor of shape (2, 3)"),
        (nn.Parameter(torch.zeros(2)), "a float32 tensor of shape (2,)"),
        (torch.tensor(2.5), "tensor(2.5)"),
        ([(torch.zeros(1), 2)], "[(a float32 tensor of shape (1,), 2)]"),
        (double, "double (a function)"),
        (nn.Linear(2, 3), "a Linear"),
        ((n for n in ()), "a generator"),
        (object(), "an object"),
        *(
            (2.0, "2.0"),
            (-3.0, "-3.0"),
            (2, "2"),
            (1e20, "1e+20"),
            (1720320.0, "1720320.0"),
            (0.1, "0.1"),
        ),
        (float("nan"), "nan"),
        *((np.float64(2), "2.0"), (np.int64(2), "2"), (np.True_, "True")),
        *((torch.tensor(2.0), "tensor(2.0)"), (torch.tensor(True), "tensor(True)")),
        (torch.zeros((), device="meta"), "a float32 tensor of shape ()"),
        (np.zeros((2, 3)), "a NumPy array of float64 of shape (2, 3)"),
        (list(range(50)), "[0, 1, 2, 3, 4, 5, ...]"),
    ],
)
def test_values_are_told_briefly_and_the_same_in_every_run(value, told):
    assert describe(value) == told


# ---- What a learner calls ------------------------------------------------------------------------


def test_check_prints_and_returns_nothing(lesson, printed):
    assert check("99.1", None) is None
    assert printed() == "99.1 not attempted yet\n"
    assert check("99.1", lambda n: n) is None
    assert printed() == "99.1 not yet: your lambda([3, 4]) returned [3, 4]. Look.\n"
    assert check("99.1", double) is None
    assert printed() == "99.1 correct: it matters.\n"


@pytest.mark.parametrize(
    ("call_it", "advice"),
    [(lambda id: check(id, double), 'check("99.1", your_answer)'), (hint, 'hint("99.1")')],
)
def test_an_unknown_id_lists_those_there_are(lesson, call_it, advice):
    words = rf'"99\.7" is not among the exercises .*: 99\.1\. Write {re.escape(advice)}$'
    with pytest.raises(UsageError, match=words):
        call_it("99.7")
    with pytest.raises(UsageError, match=r"'77' came as a notebook's number; .* 00, "):
        call_it("77.1")
    with pytest.raises(UsageError, match="the id comes first and is text"):
        call_it(99.1)


def test_an_unknown_prediction_lists_those_there_are(lesson):
    for call_it in (guess, reveal):
        words = rf"among the predictions of this .*: 99\.a, 99\.b\. Write {call_it.__name__}\("
        with pytest.raises(UsageError, match=words):
            call_it("99.1", 3)


def test_hints_come_one_by_one(lesson, printed):
    for _ in range(4):
        hint("99.1")
    assert printed().splitlines() == [
        "99.1 hint 1 of 2: first (1 left)",
        "99.1 hint 2 of 2: second (none left)",
        *(
            "99.1 has no more hints; the solution is folded in below. The last one was:",
            "99.1 hint 2 of 2: second (none left)",
        )
        * 2,
    ]


def test_a_guess_is_recorded_and_held_against_what_comes(lesson, printed):
    guess("99.a", 40, 70)
    reveal("99.a", torch.tensor(44))
    guess("99.b", " 1X1", 0.9)
    reveal("99.b", "3x3")
    assert printed().splitlines() == [
        "99.a recorded: 40, 70% sure",
        "99.a it is 44. You guessed 40, 70% sure: right, within 5",
        '99.b recorded: "1x1", 90% sure',
        '99.b it is "3x3". You guessed "1x1", 90% sure: wrong',
    ]


def test_a_guess_outside_the_tolerance_is_wrong(lesson, printed):
    guess("99.a", 40, 70)
    reveal("99.a", 45.5)
    assert printed().endswith("it is 45.5. You guessed 40, 70% sure: wrong, not within 5\n")


def test_no_guess_is_no_fault(lesson, printed):
    guess("99.a", ..., ...)
    guess("99.b")
    reveal("99.a", 12)
    assert printed().splitlines() == [
        "99.a no guess yet. How many? Expected: a number from 0 to 100, right if within 5",
        '99.b no guess yet. Which lane? Expected: one of "1x1", "3x3"',
        "99.a it is 12. You had made no guess",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("99.a", "many", 70), "'many' came as a guess; 99.a expects a number from 0 to 100"),
        (("99.a", 101, 70), "101 came"),
        (("99.a", 10**400, 70), "came as a guess"),
        (("99.a", float("nan"), 70), "nan came"),
        (("99.a", True, 70), "True came"),
        (("99.b", "7x7", 70), """'7x7' came as a guess; 99.b expects one of "1x1", "3x3\""""),
        (("99.b", 1, 70), "1 came"),
        (("99.a", 40), "nothing came as confidence"),
        (("99.a", 40, 30), "30 came as confidence"),
        (("99.a", 40, 0.2), "0.2 came"),
        (("99.a", 40, 2), "2 came"),
        (("99.a", 40, "70%"), "'70%' came"),
        (("99.a", 40, True), "True came"),
    ],
)
def test_nonsense_is_refused(lesson, arguments, words):
    with pytest.raises(UsageError) as refused:
        guess(*arguments)
    assert words in str(refused.value)
    assert not session.guesses


@pytest.mark.parametrize("value", [0.9, 1.0, 0.004, np.float64(0.5), torch.tensor(0.5)])
@pytest.mark.parametrize(
    ("question", "most"),
    [("How many percent?", 100), ("What percentage?", 100), ("Of 1000, how many?", 1000)],
)
def test_a_share_is_no_guess_where_a_number_of_many_is_asked_for(
    monkeypatch, question, most, value
):
    asked = Prediction("99.a", question, tolerance=5, least=0, most=most)
    monkeypatch.setattr(checks, "find_prediction", lambda *_: asked)
    with pytest.raises(UsageError, match=rf"looks like a share; 99.a .* out of {most}\. Write "):
        guess("99.a", value, 80)
    for whole in (0, 1, 1.5, 90):
        guess("99.a", whole, 80)
    reveal("99.a", 0.4)


@pytest.mark.parametrize("id", ["00.a", "00.c", "02.d", "04.b", "05.d", "07.c"])
def test_predictions_that_ask_for_a_number_of_many(id):
    assert PREDICTIONS[id].out_of == PREDICTIONS[id].most


def test_a_share_is_a_guess_elsewhere():
    assert sum(bool(one.out_of) for one in PREDICTIONS.values()) == 6


def test_a_guess_cannot_be_changed_once_the_answer_is_known(lesson, printed):
    guess("99.a", 40, 70)
    guess("99.a", 50, 70)  # another thought, in time
    reveal("99.a", 44)
    guess("99.a", 44, 100)
    assert "your guess of 50 stays" in printed()
    guess("99.a", 50, 70)  # the same cell, run again
    reveal("99.a", 44)
    assert "You guessed 50, 70% sure: wrong" in printed()


def test_a_guess_after_the_answer_does_not_count(lesson, printed):
    reveal("99.a", 44)
    guess("99.a", 44, 100)
    reveal("99.a", 44)
    guess("99.a", 44, 100)
    assert "it will not count" in printed()
    summary("99")
    assert "none of 2 guessed" in printed()


def test_summary_counts(lesson, printed):
    summary("99")
    assert printed().splitlines() == [
        "99 exercises: 0 of 1 solved, 0 tried, 1 not attempted; hints used: 0",
        "99 predictions: none of 2 guessed and revealed",
    ]
    check("99.1", ...)
    check("99.1", lambda n: n)
    hint("99.1")
    guess("99.a", 40, 70)
    reveal("99.a", 44)
    summary("99")
    assert printed().splitlines()[-3:] == [
        "99 exercises: 0 of 1 solved, 1 tried, 0 not attempted; hints used: 1",
        "99 predictions: 1 of 1 right, of 2 to make",
        "You were 70% sure on average and right in 100%; 1 guess is too few to say more.",
    ]
    check("99.1", double)
    summary("99")
    assert "1 of 1 solved, 0 tried" in printed()
    with pytest.raises(UsageError, match="there are exercises in"):
        summary(6)


@pytest.mark.parametrize(
    ("sure", "rights", "count", "words"),
    [
        (0.9, 1, 4, "4 guesses are too few"),
        (0.8, 15, 20, "no further apart than chance alone may bring them"),
        (0.9, 10, 20, "surer than you were right"),
        (0.6, 19, 20, "too modest"),
        (1.0, 19, 20, "surer than you were right"),
    ],
)
def test_calibration_does_not_claim_too_much(sure, rights, count, words):
    assert words in calibration(sure, rights, count)


# ---- What the notebooks hold ---------------------------------------------------------------------


@pytest.mark.parametrize("number", notebooks())
def test_ids_belong_to_their_notebook_and_count_up(number):
    module = find_notebook(number)
    assert [one.id for one in module.EXERCISES] == [
        f"{number}.{i}" for i in range(1, len(module.EXERCISES) + 1)
    ]
    assert [one.id for one in module.PREDICTIONS] == [
        f"{number}.{letter}" for letter in "abcdefghij"[: len(module.PREDICTIONS)]
    ]


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_an_exercise_has_hints_and_a_reason(exercise):
    assert len(exercise.hints) >= 2
    assert exercise.title
    assert not exercise.title.endswith(".")
    assert exercise.why.endswith(".")  # a sentence, which follows on "correct:"


@pytest.mark.parametrize("prediction", PREDICTIONS.values(), ids=PREDICTIONS)
def test_a_prediction_can_be_right_and_wrong(prediction):
    assert prediction.question.endswith("?")
    assert len(prediction.choices) != 1
    assert prediction.tolerance >= 0
    assert prediction.least < prediction.most


@functools.cache
def held(number):
    """Solutions, blanks and names of a notebook, once for all of its exercises."""
    path = notebook_of(number)
    if path is None:
        return None
    return solutions(path), blanks(path), surroundings(path)


@pytest.fixture(params=EXERCISES.values(), ids=EXERCISES)
def in_notebook(request):
    exercise = request.param
    number = exercise.id.split(".")[0]
    if held(number) is None:
        pytest.skip(f"notebook {number} is not written yet")
    known, cells, names = held(number)
    if not cells and not known:
        pytest.skip(f"notebook {number} has no exercises in it yet")
    return exercise, known, cells, names


def test_a_solution_passes(in_notebook):
    exercise, known, cells, names = in_notebook
    assert exercise.id in known, "its notebook has exercises, but no solution of this one"
    given = answer(known[exercise.id], cells[exercise.id][1], names)
    verdict = judge(exercise, given)
    assert verdict.outcome == "right", verdict.says
    assert not verdict.printed


def test_its_cell_is_not_attempted(in_notebook):
    exercise, _, cells, names = in_notebook
    assert exercise.id in cells, "its notebook has exercises, but no cell that checks this one"
    assert judge(exercise, answer(*cells[exercise.id], names)).outcome == "blank"


@pytest.mark.parametrize("number", ["00", "01", "02", "03", "04"])
def test_the_cases_tell_slips_apart(number, monkeypatch):
    """From each other, from the solution, and from an answer that is always the same."""
    module, seen = find_notebook(number), []
    monkeypatch.setattr(module, "same_as", lambda *asked, **more: seen.append((asked, more)))
    for exercise in module.EXERCISES:
        with suppress(Exception):  # a test goes on with an answer that is none here
            exercise.test(lambda *_: None)
    assert seen
    for (_, solution, cases, *rest), more in seen:
        for slip in [*rest, more.get("slips", ())][0]:
            gives = functools.partial(answers_of, cases=cases)
            assert not alike(gives(slip.makes), gives(solution)), slip.says
            assert not alike(gives(slip.makes), [gives(slip.makes)[0]] * len(cases)), slip.says
            for other in [*rest, more.get("slips", ())][0]:
                same = alike(gives(slip.makes), gives(other.makes))
                assert other.says == slip.says or not same, (slip.says, other.says)


def answers_of(function, cases):
    given = []
    for case in cases:
        try:
            given.append(function(*copy.deepcopy(case.args)))
        except Exception as error:
            given.append(repr(error))
    return given


def alike(some, others):
    return all(difference(a, b) is None for a, b in zip(some, others, strict=True))


def test_its_hints_and_its_why_do_not_hold_the_solution(in_notebook):
    exercise, known, _, _ = in_notebook
    last = known[exercise.id].strip().splitlines()[-1].strip()
    assert all(last not in text for text in (*exercise.hints, exercise.why))


def test_its_prompt_and_hints_recommend_what_the_notebook_has(in_notebook):
    exercise, *_ = in_notebook
    path = notebook_of(exercise.id.split(".")[0])
    asked = prompts(path, exercise.id)
    assert asked, "no cell sets this exercise"
    named = names_before(path, exercise.id)
    assert set().union(*map(recommended, (*asked, *exercise.hints))) <= named


@pytest.mark.parametrize("number", notebooks())
def test_what_a_check_says_recommends_what_the_notebook_has(number):
    module = find_notebook(number)
    named = names_before(notebook_of(number), module.EXERCISES[-1].id)
    builds = any(one.kind == "class" for one in module.EXERCISES)
    for said in (module, checks, comparing, tools) if builds else (module,):
        assert set().union(*map(recommended, messages(said))) <= named
    assert {*exercises.__all__} <= named


@pytest.mark.parametrize("number", notebooks())
def test_what_a_notebook_checks_is_registered(number):
    if held(number) is None:
        pytest.skip(f"notebook {number} is not written yet")
    known, cells, _ = held(number)
    assert {*known} == {*cells} <= {*EXERCISES}


def test_solutions_and_blanks_are_found(tmp_path):
    import nbformat

    book = nbformat.v4.new_notebook()
    book.cells = [
        nbformat.v4.new_code_cell("import math\n%matplotlib inline\ndef one():\n    return 1\n"),
        nbformat.v4.new_code_cell('def f(x):\n    ...\n\n\ncheck("99.1", f)'),
        nbformat.v4.new_markdown_cell(
            "<details>\n\n```python\n# solution of 99.1\ndef f(x):\n    return x + one()\n```\n\n"
            "</details>"
        ),
    ]
    path = tmp_path / "99_x.ipynb"
    nbformat.write(book, path)
    assert solutions(path) == {"99.1": "def f(x):\n    return x + one()\n"}
    source, expression = blanks(path)["99.1"]
    assert expression == "f"
    names = surroundings(path)
    assert "math" in names
    assert is_blank(answer(source, expression, names))
    assert answer(solutions(path)["99.1"], expression, names)(2) == 3


def test_tensors_are_copied_for_every_call():
    seen = []

    def keeps(x: Tensor) -> float:
        seen.append(x)
        return float(x.sum())

    mine = torch.ones(2)
    same_as(keeps, lambda x: float(x.sum()), [Case((mine,)), Case((mine,))])
    assert seen[0] is not mine
    assert seen[0] is not seen[1]


def test_results_that_cannot_be_compared_with_one_another_are_told_as_well():
    cases = [Case((torch.ones(2),)), Case((torch.zeros(2),))]  # two of the same shape
    with pytest.raises(Wrong, match="the device meta; expected is cpu"):
        same_as(lambda x: x.to("meta"), lambda x: x + 1, cases)
