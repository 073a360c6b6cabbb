"""Exercises and what judges them: all solutions, slips, blanks and wrong answers by one test each.

Answers that no slip holds stand in `wrong_answers/`, a module for each notebook.
"""

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
from importlib import import_module
from itertools import chain
from types import FunctionType

import numpy as np
import pytest
import torch
from exercise_tools import (
    answer,
    blanks,
    names_before,
    notebook_of,
    notebooks_of,
    prompts,
    question_of,
    recommended,
    solutions,
    surroundings,
)
from torch import nn

from googlenet_lib.course.kit import (
    exercise,
    learner,
    networks,
    running,
)
from googlenet_lib.course.kit.checking import build, call, holds_blank, judge
from googlenet_lib.course.kit.comparing import describe, difference
from googlenet_lib.course.kit.exercise import (
    Case,
    Exercise,
    Prediction,
    Wrong,
    find_notebook,
    notebooks,
    slips,
)
from googlenet_lib.course.kit.learner import (
    calibration,
    check,
    guess,
    hint,
    reveal,
    session,
    summary,
)
from googlenet_lib.course.kit.networks import Lent
from googlenet_lib.errors import UsageError

LESSONS = [find_notebook(number) for number in notebooks()]
EXERCISES = {exercise.id: exercise for lesson in LESSONS for exercise in lesson.EXERCISES}
PREDICTIONS = [prediction for lesson in LESSONS for prediction in lesson.PREDICTIONS]
TRIED = [import_module(f"wrong_answers.nb{number}") for number in notebooks()]
WRONG = [answer for module in TRIED for answer in module.WRONG]
RIGHT = [answer for module in TRIED for answer in module.RIGHT]
SLIPS = [
    (exercise, words, makes)
    for exercise in EXERCISES.values()
    for words, makers in exercise.slips.items()
    for makes in makers
]
HAS_TIMER = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timer here")


def says(exercise, given):
    verdict = judge(exercise, given)
    assert verdict.outcome == "wrong"
    return verdict.says


# ---- Every exercise ------------------------------------------------------------------------------


@pytest.mark.parametrize(("exercise", "words", "makes"), SLIPS)
def test_a_slip_is_refused_in_its_own_words(exercise, words, makes):
    assert words in says(exercise, makes)


@pytest.mark.parametrize(("id", "given", "words"), WRONG, ids=[f"{w[0]} {w[2]}" for w in WRONG])
def test_a_wrong_answer_is_refused_for_its_mistake(id, given, words):
    assert words in says(EXERCISES[id], given)


@pytest.mark.parametrize(("id", "given"), RIGHT)
def test_a_right_answer_may_be_written_otherwise(id, given):
    verdict = judge(EXERCISES[id], given)
    assert verdict.outcome == "right", verdict.says


def test_exercises_are_complete():
    for id, task in EXERCISES.items():
        assert task.title, id
        assert task.hints, id
        assert task.why.endswith("."), id  # a sentence, which follows on "correct:"
        assert bool(task.solution) == bool(task.cases) == bool(task.look), id
        assert task.solution or task.test, id


def test_a_prediction_can_be_right_and_wrong():
    for prediction in PREDICTIONS:
        assert len(prediction.choices) != 1, prediction.id
        assert prediction.tolerance >= 0, prediction.id
        assert prediction.least < prediction.most, prediction.id


# ---- In the notebooks ----------------------------------------------------------------------------


@functools.cache
def held(path):
    """Solutions, blanks and names of a notebook, once for all of its exercises."""
    return solutions(path), blanks(path), surroundings(path)


@pytest.mark.parametrize("number", notebooks())
def test_a_notebook_holds_its_exercises(number):
    module = find_notebook(number)
    ids = [exercise.id for exercise in module.EXERCISES]
    assert ids == [f"{number}.{i}" for i in range(1, len(ids) + 1)]
    letters = [prediction.id for prediction in module.PREDICTIONS]
    assert letters == [f"{number}.{letter}" for letter in "abcdefghij"[: len(letters)]]
    known, cells, _ = zip(*map(held, notebooks_of(number)), strict=True)
    assert sorted(chain(*known)) == sorted(chain(*cells)) == sorted(ids)  # in one notebook each


@pytest.mark.parametrize(
    "prediction", [one for one in PREDICTIONS if one.tolerance], ids=lambda one: one.id
)
def test_the_text_says_how_near_a_guess_must_be(prediction):
    said = f"a guess within {prediction.tolerance:,g} "
    assert said in question_of(prediction.id).lower()


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_in_its_notebook_the_blank_is_not_attempted_and_the_solution_passes(exercise):
    known, cells, names = held(notebook_of(exercise.id))
    blank = judge(exercise, answer(*cells[exercise.id], names))
    assert (blank.outcome, blank.says) == ("blank", "not attempted yet")
    verdict = judge(exercise, answer(known[exercise.id], cells[exercise.id][1], names))
    assert verdict.outcome == "right", verdict.says
    assert not verdict.printed
    last = known[exercise.id].strip().splitlines()[-1].strip()
    assert all(last not in text for text in (*exercise.hints, exercise.why))


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_its_prompt_and_hints_recommend_what_the_notebook_has(exercise):
    path = notebook_of(exercise.id)
    asked = prompts(path, exercise.id)
    assert asked, "no cell sets this exercise"
    wanted = set().union(*map(recommended, (*asked, *exercise.hints)))
    assert wanted <= names_before(path, exercise.id)


# ---- Blanks --------------------------------------------------------------------------------------


def double(numbers):
    return [2 * number for number in numbers]


DOUBLE = Exercise(
    "99.1",
    "Double",
    solution=double,
    cases=[([3, 4],), Case(([],), advice="Mind the empty.")],
    slips=slips("They were squared.", lambda numbers: [n * n for n in numbers]),
    look="Look.",
    hints=("first", "second"),
    why="it matters.",
)
BRIEF = dataclasses.replace(DOUBLE, seconds=0.3)


def other(test, kind="function"):
    return Exercise("99.2", "Other", test=test, hints=(), why="it matters.", kind=kind)


def unwritten(numbers):
    raise NotImplementedError


class Unwritten(nn.Module):
    def __init__(self, width):
        super().__init__()
        raise NotImplementedError


class HalfWritten(nn.Module):
    def forward(self, x):
        raise NotImplementedError


@dataclasses.dataclass
class Record:
    width: object


BLANKS = (None, ..., {...}, [1, ...], ([0, -1, ...], 1), {"a": [(1, {2, ...})]}, [Record(...)])


@pytest.mark.parametrize("given", [*BLANKS, unwritten, functools.partial(unwritten)])
def test_a_blank_is_not_attempted(given):
    assert judge(DOUBLE, given).outcome == "blank"


@pytest.mark.parametrize("given", [Unwritten, HalfWritten])
def test_a_blank_class_is_not_attempted(given):
    def test(answer):
        call(build(answer, *[3] * (answer is Unwritten)), torch.ones(1))

    assert judge(other(test, "class"), given).outcome == "blank"


holds_itself = []
holds_itself.append(holds_itself)


@pytest.mark.parametrize("given", [0, "", [], {}, holds_itself, Record(1), Record, (1, "...")])
def test_a_value_without_dots_is_no_blank(given):
    assert not holds_blank(given)


def begun(numbers):
    found = double(numbers)
    print(found)
    raise NotImplementedError


def under_the_blank(numbers):
    raise NotImplementedError  # your turn
    return [2 * number for number in numbers]


class UnderTheBlank(nn.Module):
    def __init__(self):
        super().__init__()
        raise NotImplementedError  # your turn
        self.layer = nn.Identity()


class OnlyInit(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Identity()

    def forward(self, x):
        raise NotImplementedError


class Untouched(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        raise NotImplementedError


def test_a_module_is_begun_with_its_init():
    task = other(lambda one: call(build(one), 1), kind="class")
    for one in (OnlyInit, UnderTheBlank):
        assert "still meets the blank, in your line" in says(task, one)
    assert judge(task, Untouched).outcome == "blank"


@pytest.mark.parametrize("given", [[0, ...], {"a": 1, "b": ...}, Record(...), [[...], 2]])
def test_what_is_half_filled_is_told_so(given):
    task = other(lambda one: None, kind="value")
    said = "not attempted yet" if given == Record(...) else "a `...` still to be filled"
    assert said in judge(task, given).says
    assert judge(task, given).outcome == "blank"


def test_one_case_alone_is_not_the_same_everywhere():
    def breaks(numbers):
        return [numbers[1]]

    assert "the same whatever goes in" not in says(DOUBLE, breaks)


def not_in_torch(numbers):
    raise NotImplementedError("no kernel for this")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (begun, "still meets the blank, in your line"),
        (under_the_blank, "still meets the blank, in your line"),
        (not_in_torch, "raised NotImplementedError: no kernel for this, in your line"),
    ],
)
def test_what_was_begun_is_no_blank(given, words):
    assert words in says(DOUBLE, given)


# ---- Faults, each with a message of its own ------------------------------------------------------


def divides(numbers):
    total = sum(numbers)
    return total / 0


def in_a_library(numbers):
    return torch.cat([torch.zeros(2, 2), torch.zeros(3)])


def changes_its_input(numbers):
    for i in range(len(numbers)):
        numbers[i] *= 2
    return list(numbers)


def long_message(numbers):
    raise ValueError("window " * 100)


class Strange(list):
    def __len__(self):
        raise RuntimeError("no length today")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (lambda numbers: [n + 2 for n in numbers], "not yet: your lambda([3, 4]) returned [5, 6]."),
        (lambda numbers: [n * n for n in numbers], "They were squared."),
        (lambda numbers: torch.tensor(double(numbers)), "Expected is a list; a tensor of 2 numb"),
        (divides, "divides([3, 4]) raised ZeroDivisionError: division by zero, in your line"),
        (divides, "`return total / 0`"),
        (in_a_library, "`return torch.cat([torch.zeros(2, 2), torch.zeros(3)])`"),
        (lambda numbers: [2 * numbers[0], 2 * numbers[-1]], "Mind the empty."),
        (lambda a, b: a, "cannot be called so (TypeError: <lambda>() missing 1 required posit"),
        (lambda numbers: print(numbers), "returned None. Is `return` missing?"),
        (lambda numbers: [{"a": [1, ...]}], "a `...` still to be filled"),
        (changes_its_input, "changed its input, [3, 4]"),
        (long_message, "window ..., in your line"),
        (lambda numbers: exit(), "raised SystemExit"),
        (lambda numbers: Strange(), "no length today"),
    ],
)
def test_a_fault_is_told(given, words):
    said = says(DOUBLE, given)
    assert words in said
    assert "[6, 8]" not in said  # which would be right


class Own(BaseException):
    def __str__(self):
        raise KeyError("no words")

    __repr__ = __str__


@pytest.mark.parametrize("error", [GeneratorExit, Own, SystemExit, MemoryError])
def test_whatever_an_answer_raises_is_its_fault(error):
    def fails(numbers):
        raise error

    assert f"fails([3, 4]) raised {error.__name__}, in your line" in says(DOUBLE, fails)


def rounded_up(pixels):
    return -(-pixels // 3)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (lambda n: n / 3, "returned 2.0. No parts."),
        (lambda n: float(rounded_up(n)), "2.0. Expected is an int; a float came. `/`, `float"),
        (lambda n: n // 3, "returned 2. Round up."),
        (lambda n: float(n // 3), "2.0. Expected is an int; a float came. `/`, `float"),
        (lambda n: 2, "returned 2. It is the same whatever goes in. Look."),
        (lambda n: n // 4 if n > 6 else 2, "(7) returned 1. Look."),  # one slip, by accident
        (lambda n: 2 * n if n != 301 else 5, "your lambda(6) returned 12. Look."),
        (lambda n: rounded_up(n) if n < 9 else None, "returned None"),
    ],
)
def test_a_slip_is_told_only_if_the_answer_makes_it(given, words):
    exercise = dataclasses.replace(
        DOUBLE,
        solution=rounded_up,
        cases=[(6,), (7,), (400,), (301,)],
        slips=slips(
            *("No parts.", lambda n: n / 3, "Round up.", lambda n: n // 3),
            *("Not at all.", lambda n: 1 if n == 7 else n, "Doubled.", lambda n: 2 * n),
        ),
    )
    assert words in says(exercise, given)


def test_a_slip_must_fit_the_cases_that_were_right_as_well():
    nothing = slips("Nothing but zero.", lambda numbers: [0])
    exercise = dataclasses.replace(DOUBLE, cases=[([0],), ([3],), ([4],)], slips=nothing)
    said = says(exercise, lambda numbers: [0] if numbers == [4] else double(numbers))
    assert said.endswith("returned [0]. Look.")


def test_an_error_of_the_check_is_not_told_as_the_learner_s():
    given = FunctionType(double.__code__, {"__name__": "elsewhere"})  # this file is not its own
    said = says(other(lambda answer: torch.zeros(2, 3) @ torch.zeros(2, 3)), given)
    assert said.startswith("not yet: what came back cannot be compared with what is asked for.")


def test_an_error_of_the_learner_is_told_wherever_it_is_met():
    def fails(n):
        yield n / 0

    said = says(other(lambda answer: next(answer(1))), fails)
    assert "it raised ZeroDivisionError: division by zero, in your line" in said


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("function", 8, "8 came, where a function is asked for: its name alone, without brackets"),
        ("function", Record, "the class Record came, where a function is asked for"),
        ("class", nn.ReLU(), "an object of ReLU came, where a class is asked for"),
        ("class", double, "double (a function) came, where a class is asked for"),
        ("value", double, "double (a function) came, where its result is asked for"),
    ],
)
def test_the_wrong_kind_of_thing_is_told_as_such(kind, given, words):
    assert words in says(other(lambda answer: None, kind), given)


class NoSuper(nn.Module):
    def __init__(self, width):
        self.layer = nn.Linear(width, width)


def test_a_class_is_built_and_its_faults_told():
    with pytest.raises(Wrong, match=r"Record is no nn\.Module"):
        build(Record, 3)
    with pytest.raises(Wrong, match=r"cannot assign module before.*in your line.*nn\.Linear"):
        build(NoSuper, 3)
    assert isinstance(build(nn.Linear, 3, 2), nn.Linear)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda network: setattr(network, "seen", 1), "the attributes"),
        (nn.Module.eval, "the modes"),
        (nn.Module.train, "the modes"),
        (lambda network: network.register_forward_hook(print), "the hooks"),
        (lambda network: network[0].weight.data.zero_(), "the weights"),
        (lambda network: network.requires_grad_(False), "the `requires_grad` flags"),
        (lambda network: network[1].running_mean.add_(1), "the buffers"),
        (lambda network: network(torch.ones(2, 3)).sum().backward(), "the gradients"),
    ],
)
def test_what_is_changed_in_a_lent_network_is_told(change, part):
    def made():
        return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Linear(2, 1))

    def answer(network):
        change(network)
        return 1

    exercise = dataclasses.replace(DOUBLE, solution=lambda _: 1, cases=[Case((Lent(made),), "it")])
    assert "the result is right, but afterwards" in says(exercise, answer)
    before = networks.state(network := Lent(made).made())
    change(network)
    assert part in networks.changed_parts(before, networks.state(network))


# ---- Printing, interrupts, settings --------------------------------------------------------------


def test_what_is_printed_is_shown_in_part():
    def chatty(numbers):
        for i in range(1000):
            print(f"step {i}")
        return double(numbers)

    verdict = judge(DOUBLE, chatty)
    assert verdict.outcome == "right"
    assert verdict.printed == "your code printed: step 0 | step 1 | step 2 | and 1,997 more"
    text = running.Printed()
    for _ in range(100):
        print("x" * 1000, file=text)
    assert len(text.text) <= 2 * running.MOST_KEPT


def test_the_person_at_the_keyboard_can_stop():
    def stopped(numbers):
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # xdist's workers ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            judge(DOUBLE, stopped)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_check_leaves_no_trace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inner").mkdir()

    def seen():
        states = torch.random.get_rng_state().sum(), random.getstate(), np.random.get_state()[1][:9]
        return repr(([get() for get, _ in running.SETTINGS], states))

    def changes(numbers):
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_num_threads(torch.get_num_threads() + 1)
        torch.set_deterministic_debug_mode("error")
        torch.set_grad_enabled(False)
        torch.autograd.set_detect_anomaly(True)
        sys.setrecursionlimit(sys.getrecursionlimit() + 7)
        os.chdir("inner")
        torch.manual_seed(9)
        random.random()
        np.random.rand()
        return double(numbers)

    before = seen()
    judge(DOUBLE, changes)
    assert seen() == before


def test_what_the_notebook_has_set_does_not_reach_a_check():
    def plain(given):
        assert (torch.ones(1).dtype, torch.ones(1).device.type) == (torch.float32, "cpu")
        assert torch.is_grad_enabled()

    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    try:
        with torch.no_grad():
            assert judge(other(plain), double).outcome == "right"
        assert (torch.ones(1).dtype, torch.ones(1).device.type) == (torch.float64, "meta")
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)


# ---- Time ----------------------------------------------------------------------------------------


def endless(numbers):
    while True:
        with suppress(Exception):
            numbers = numbers[:]


def catches_all(numbers):
    while True:
        try:
            time.sleep(0.05)
        except:  # noqa: E722
            numbers = numbers[:]


def goes_on(numbers):
    while True:
        try:
            sum(range(1000))
        finally:
            continue  # noqa: B012


@HAS_TIMER
@pytest.mark.parametrize("given", [endless, catches_all, goes_on])
def test_a_loop_without_end_is_stopped_and_the_line_told(given, monkeypatch):
    monkeypatch.setattr(running, "PATIENCE", 0.2)
    before = signal.getsignal(signal.SIGALRM)
    start = time.monotonic()
    assert f"{given.__name__}([3, 4]) took too long and was stopped" in says(BRIEF, given)
    assert time.monotonic() - start < 5
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL)[1] == 0


def test_a_loop_without_end_is_stopped_in_other_threads_too():
    said = []
    thread = threading.Thread(target=lambda: said.append(says(BRIEF, endless)), daemon=True)
    thread.start()
    thread.join(timeout=20)
    assert "took too long and was stopped, in your line" in said[0]


def test_a_loop_without_end_is_stopped_where_there_is_no_timer(monkeypatch):
    monkeypatch.delattr(signal, "setitimer", raising=False)
    assert "took too long" in says(BRIEF, endless)


@HAS_TIMER
def test_somebody_else_s_alarm_goes_on():
    before = signal.getsignal(signal.SIGALRM)
    old = signal.setitimer(signal.ITIMER_REAL, 500)
    try:
        judge(DOUBLE, double)
        assert 400 < signal.getitimer(signal.ITIMER_REAL)[0] <= 500
        assert signal.getsignal(signal.SIGALRM) is before
    finally:
        signal.setitimer(signal.ITIMER_REAL, *old)


def test_in_a_kernel_as_here():
    """Signals, source lines and prints are a notebook's own there; two runs print the same."""
    import nbformat
    from nbclient import NotebookClient

    sources = (
        "from googlenet_lib.course.kit import learner\n"
        "from googlenet_lib.course.kit.learner import check\n"
        "from googlenet_lib.course.kit.exercise import Exercise\n"
        "from googlenet_lib.course.kit.checking import call\n"
        "def test(answer):\n    call(answer, 3)\n"
        "one = Exercise('99.1', '', test=test, hints=(), why='it matters.', seconds=0.3)\n"
        "learner.find_exercise = lambda id: one",
        "def endless(n):\n    while True:\n        n + 1\n\ncheck('99.1', endless)",
        "def fails(n):\n    print('here')\n    return n / 0\n\ncheck('99.1', fails)",
        "def blank(n):\n    raise NotImplementedError\n\ncheck('99.1', blank)",
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
        (np.array([3]), 3, "a NumPy array came. `.item()` makes"),
        (torch.ones(4), 3.0, "a plain number; a tensor of 4 numbers came."),
        (torch.ones(4), [3.0], "`.tolist()` makes one."),
        (filter(None, ()), [], "a list; a filter came. `list(...)` makes one"),
        (range(3), [0, 1, 2], "a list; a range came"),
        ({1}, [1], "a list; a set came. A set has no order."),
        (10**400, 1.0, ""),
        (float("inf"), 10**400, "an int; a float came"),
        ([1.5, None], [1.0, 1.0], "In place [1]: expected is a plain number; None came."),
        ({"a": [torch.ones(1)]}, {"a": [1.0]}, "In place ['a']: in place [0]: expected"),
        ([1], [1, 2], "1 entry,"),
        ([1.0, 1.0], torch.ones(2), "a tensor; a list came. `torch.tensor(...)` makes one"),
        (np.ones(2), torch.ones(2), "a NumPy array came. `torch.from_numpy(...)` makes one"),
        (torch.ones(2, device="meta"), torch.ones(2), "the device meta; expected is cpu"),
        (torch.ones(2).to_sparse(), torch.ones(2), "layout is torch.sparse_coo"),
        (torch.ones(3), torch.ones(2), "shape is (3,); expected is (2,)"),
        (torch.ones(2, dtype=torch.float64), torch.ones(2), "torch.float64"),
        (torch.tensor([1.0, 1.5]), torch.ones(2), "up to 0.5"),
        (torch.tensor([1.0, float("nan")]), torch.ones(2), "nan"),
        (torch.tensor([1, 2]), torch.tensor([1, 3]), "wrong at 1 of 2"),
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
        (torch.tensor(2.5), "tensor(2.5)"),
        ([(torch.zeros(1), 2)], "[(a float32 tensor of shape (1,), 2)]"),
        (double, "double (a function)"),
        (nn.Linear(2, 3), "a Linear"),
        (object(), "an object"),
        *((2, "2"), (-3.0, "-3.0"), (1e20, "1e+20"), (1720320.0, "1720320.0"), (0.1, "0.1")),
        *((np.float64(2), "2.0"), (torch.tensor(True), "tensor(True)")),
        (torch.zeros((), device="meta"), "a float32 tensor of shape ()"),
        (np.zeros((2, 3)), "a NumPy array of float64 of shape (2, 3)"),
        (list(range(50)), "[0, 1, 2, 3, 4, 5, ...]"),
    ],
)
def test_values_are_told_briefly_and_the_same_in_every_run(value, told):
    assert describe(value) == told


# ---- What a learner calls ------------------------------------------------------------------------

BOTH = (
    Prediction("99.a", "How many?", tolerance=5, least=0, most=100),
    Prediction("99.b", "Which branch?", choices=("1x1", "3x3")),
)


@pytest.fixture(autouse=True)
def _fresh():
    session.reset()
    yield
    session.reset()


@pytest.fixture
def lesson(monkeypatch):
    """A notebook 99 with one exercise and two predictions."""
    module = type("nb99", (), {"EXERCISES": (DOUBLE,), "PREDICTIONS": BOTH})
    for place in (exercise, learner):
        monkeypatch.setattr(
            place, "find_notebook", lambda n: module if n == "99" else find_notebook(n)
        )


@pytest.fixture
def printed(capsys):
    return lambda: capsys.readouterr().out


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
        "99.a the answer is 44. You guessed 40, 70% sure: right, within 5",
        '99.b recorded: "1x1", 90% sure',
        '99.b the answer is "3x3". You guessed "1x1", 90% sure: wrong',
    ]


def test_a_guess_outside_the_tolerance_is_wrong(lesson, printed):
    guess("99.a", 40, 70)
    reveal("99.a", 45.5)
    assert printed().endswith("the answer is 45.5. You guessed 40, 70% sure: wrong, not within 5\n")


def test_no_guess_is_no_fault(lesson, printed):
    guess("99.a", ..., ...)
    guess("99.b")
    reveal("99.a", 12)
    assert printed().splitlines() == [
        "99.a no guess yet. How many? Expected: a number from 0 to 100, right if within 5",
        '99.b no guess yet. Which branch? Expected: one of "1x1", "3x3"',
        "99.a the answer is 12",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("99.a", "many", 70), "'many' came as a guess; 99.a expects a number from 0 to 100"),
        (("99.a", 10**400, 70), "came as a guess"),
        (("99.a", float("nan"), 70), "nan came"),
        (("99.b", "7x7", 70), """'7x7' came as a guess; 99.b expects one of "1x1", "3x3\""""),
        (("99.a", 40), "nothing came as confidence"),
        (("99.a", 40, 30), "30 came as confidence"),
        (("99.a", 40, 0.2), "0.2 came"),
        (("99.a", 40, "70%"), "'70%' came"),
    ],
)
def test_nonsense_is_refused(lesson, arguments, words):
    with pytest.raises(UsageError) as refused:
        guess(*arguments)
    assert words in str(refused.value)
    assert not session.guesses


@pytest.mark.parametrize(
    ("question", "most", "value"),
    [
        ("How many percent?", 100, 1.0),
        ("What percentage?", 100, torch.tensor(0.5)),
        ("Of 1000, how many?", 1000, 0.004),
    ],
)
def test_a_share_is_no_guess_where_a_number_of_many_is_asked_for(
    monkeypatch, question, most, value
):
    asked = Prediction("99.a", question, tolerance=5, least=0, most=most)
    monkeypatch.setattr(learner, "find_prediction", lambda *_: asked)
    with pytest.raises(UsageError, match=rf"looks like a share; 99.a .* out of {most}\. Write "):
        guess("99.a", value, 80)
    for whole in (0, 1, 1.5, 90):
        guess("99.a", whole, 80)
    reveal("99.a", 0.4)


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
    ("number", "first"),
    [
        ("01", "Lesson 01 and its deep dives together, in this session:"),
        ("02", "Lesson 02 and its deep dive together, in this session:"),
        ("06", "06 exercises: 0 of 3 solved, 0 tried, 3 not attempted; hints used: 0"),
    ],
)
def test_summary_says_that_it_counts_the_deep_dives(printed, number, first):
    learner.session.reset()
    summary(number)
    assert printed().splitlines()[0] == first


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
