"""Notebook 03: an explorer that spends a budget on six widths, and trains small networks."""

import html
from collections.abc import Callable

import ipywidgets as widgets
from matplotlib.figure import Figure

from googlenet_lib.course.kit.panel import panel
from googlenet_lib.course.nb03.design import BRANCH_LAYERS, Design, paper_design
from googlenet_lib.course.nb03.design_figure import draw_design
from googlenet_lib.course.nb03.design_trials import STEPS, Board, Entry, try_design
from googlenet_lib.errors import UsageError
from googlenet_lib.network.table1 import MODULES, Widths

STEP = 8  # channels: an eighth of it, which a trial has, is a whole number
NAMES = {
    "out_1x1": "1×1",
    "reduce_3x3": "reduce 3×3",
    "out_3x3": "3×3",
    "reduce_5x5": "reduce 5×5",
    "out_5x5": "5×5",
    "pool_proj": "pool proj",
}
HEADERS = ("design", "1×1 | 3×3 | 5×5 | pool", "of the budget", "weights", "channels out",
           "window", "accuracy")  # fmt: skip


def explore_design(module: str = MODULES[0], steps: int = STEPS) -> widgets.VBox:
    """Make sliders for six widths, a choice of the place, and a board of the designs kept for it.

    Below the controls stand three buttons: keep the design, train a small network of it for
    `steps` steps, and go back to the paper's widths. Each training of a design takes the next
    seed. The box holds controls, buttons, picture, words, a message of the last button, the board.
    """
    boards: dict[str, Board] = {}
    place = widgets.Dropdown(
        options=[(_offer(name), name) for name in MODULES], value=module, description="budget of"
    )
    sliders = {name: _slider(text) for name, text in NAMES.items()}
    # counts the movements: a change of place moves seven controls, and draws once
    moves = widgets.IntText(value=0, layout=widgets.Layout(display="none"))

    def chosen() -> Design:
        return Design(place.value, Widths(**{name: one.value for name, one in sliders.items()}))

    def draw(_moves: int) -> Figure:
        return draw_design(chosen())

    fitting = False  # the sliders to another place

    def moved(_change: object = None) -> None:
        if not fitting:
            moves.value += 1

    def take_papers(_change: object = None) -> None:
        nonlocal fitting
        paper, fitting = paper_design(place.value), True
        for name, slider in sliders.items():
            slider.max = paper.place.in_channels
            slider.value = getattr(paper.widths, name)
        fitting = False
        moved()
        message.value = ""
        show_board()

    def board() -> Board:
        return boards.setdefault(place.value, Board(place.value))

    def show_board() -> None:
        table.value = _table(board())

    def keep(_button: widgets.Button) -> None:
        done = "On the board already" if board().find(chosen()) else "Kept"
        message.value = f"<p>{done}: {html.escape(board().keep(chosen()).name)}.</p>"
        show_board()

    def train(_button: widgets.Button) -> None:
        design, bar = chosen(), widgets.IntProgress(max=steps, description="training")
        buttons.children = (*all_buttons, bar)
        for button in all_buttons:
            button.disabled = True
        try:
            message.value = _train(design, bar)
        finally:  # the kernel may have been interrupted
            buttons.children = all_buttons
            for button in all_buttons:
                button.disabled = False
        show_board()

    def _train(design: Design, bar: widgets.IntProgress) -> str:
        def tick() -> None:
            bar.value += 1

        kept = board().find(design)
        seed = len(kept.trials) if kept else 0
        try:
            trial = try_design(design, seed=seed, steps=steps, tick=tick)
        except UsageError as error:
            return f"<p>Not trained: {html.escape(str(error))}.</p>"
        except Exception as error:
            what = html.escape(f"{type(error).__name__}: {error}")
            return f"<p>The training broke off and left no result ({what}).</p>"
        entry = board().keep(design)
        entry.trials.append(trial)
        return (
            f"<p>{html.escape(entry.name).capitalize()}: accuracy {trial.accuracy:.3f} after "
            f"{trial.steps} steps, with seed {trial.seed}.</p>"
        )

    all_buttons = tuple(
        _button(text, action)
        for text, action in (
            ("keep this design", keep),
            (f"train it for {steps} steps", train),
            ("back to the paper's widths", take_papers),
        )
    )
    buttons = widgets.HBox(all_buttons)
    buttons.layout.flex_flow = "row wrap"
    message, table = widgets.HTML(), widgets.HTML()
    take_papers()
    place.observe(take_papers, names="value")
    for slider in sliders.values():
        slider.observe(moved, names="value")
    box = panel(draw, _moves=moves)
    controls = widgets.HBox([place, *sliders.values(), moves])
    controls.layout.flex_flow = "row wrap"
    box.children = (controls, buttons, *box.children[1:], message, table)
    return box


def _offer(module: str) -> str:
    return f"{module.removeprefix('inception')}: {paper_design(module).macs:,}"


def _slider(text: str) -> widgets.IntSlider:
    return widgets.IntSlider(
        value=0,
        min=0,
        step=STEP,
        description=text,
        layout=widgets.Layout(width="290px"),
        style={"description_width": "84px"},
    )


def _button(text: str, action: Callable[[widgets.Button], None]) -> widgets.Button:
    button = widgets.Button(description=text, layout=widgets.Layout(width="220px"))
    button.on_click(action)
    return button


def _table(board: Board) -> str:
    """Write the designs of one place as an HTML table, and below it what their trials decide."""
    rows = [_row("th", HEADERS), *(_row("td", _cells(entry)) for entry in board.standings())]
    order = "Within the budget first, by channels out."
    below = f"<p>{order} {html.escape(board.verdict())}</p>"
    return f"<table cellpadding='4'>{''.join(rows)}</table>{below}"


def _row(tag: str, cells: tuple[str, ...]) -> str:
    style = "padding: 0 8px; text-align: right; white-space: nowrap"
    return (
        "<tr>"
        + "".join(f'<{tag} style="{style}">{html.escape(cell)}</{tag}>' for cell in cells)
        + "</tr>"
    )


def _cells(entry: Entry) -> tuple[str, ...]:
    design = entry.design
    share = f"{design.macs / design.budget:.1%}"
    return (
        entry.name,
        " | ".join(_branch(design, name) for name in BRANCH_LAYERS),
        f"{share}, over by {design.over:,}" if design.over > 0 else share,
        f"{design.params:,}",
        f"{design.out_channels:,}",
        f"{design.window}×{design.window}" if design.window else "none",
        _accuracy(entry),
    )


def _branch(design: Design, name: str) -> str:
    """Write its widths, such as 96→128."""
    if not design.branches[name].channels:
        return "–"
    return "→".join(str(getattr(design.widths, layer)) for layer in BRANCH_LAYERS[name][0])


def _accuracy(entry: Entry) -> str:
    if not entry.trials:
        return "not tried"
    low, high = entry.accuracies
    if len(entry.trials) == 1:
        return f"{low:.3f}, one run"
    return f"{low:.3f} to {high:.3f}, {len(entry.trials)} runs"
