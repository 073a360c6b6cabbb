"""Notebook 03: a figure of six widths and their cost, and an explorer to spend a budget."""

import html
from collections.abc import Callable

import ipywidgets as widgets
from matplotlib.figure import Figure

from googlenet_lib.course.kit import style
from googlenet_lib.course.kit.panel import panel
from googlenet_lib.course.nb03.design import (
    LANES,
    MODULES,
    STEPS,
    Board,
    Design,
    Entry,
    paper_design,
    try_design,
)
from googlenet_lib.errors import UsageError
from googlenet_lib.network.table1 import Widths

COLUMNS, SHIFTS = ("multiply-adds", "channels out", "window"), (105, 215, 300)  # pixels
REDUCTION_TINT = 0.55


def draw_design(design: Design) -> Figure:
    """Draw what each lane of a design spends, all of them against the budget.

    Coloured bars and bold numbers are the design's, a reduction in a lighter tint of its lane;
    grey bars below them are those of the paper's own widths, and so are grey numbers, where they
    differ. An upright line marks the budget, and what lies beyond it is hatched.
    """
    paper = paper_design(design.module)
    rows = {"together": (_sums(design), _sums(paper))}
    for name, lane in design.lanes.items():
        theirs = paper.lanes[name]
        rows[name] = tuple((sum(one.macs), one.channels, one.window) for one in (lane, theirs))
    with style.house_style():
        figure, axes = style.chart(430)
        channels, size, *_ = design.place
        place = f"{channels} channels in, a map of {style.times(size, size)}"
        style.headline(figure, f"In the place of {_short(design)}: {place}")
        style.name_rows(axes, [name.replace("x", "×") for name in rows])
        for label in axes.get_yticklabels():
            name = label.get_text().replace("×", "x")
            label.set(color=style.BRANCH_COLOURS.get(name, style.INK), weight="bold", fontsize=14)
        together = 0
        for y, (name, lane) in enumerate(design.lanes.items(), start=1):
            start = 0
            for macs, shade in zip(lane.macs, _shades(name, lane.macs), strict=True):
                axes.barh(y - 0.1, macs, 0.45, left=start, color=shade)
                axes.barh(-0.1, macs, 0.45, left=together, color=shade)
                start, together = start + macs, together + macs
            if not lane.channels:
                axes.text(0, y - 0.1, " left out", va="center", color=style.GREY)
        if design.over > 0:
            look = {"color": "none", "edgecolor": style.INK, "hatch": "////", "linewidth": 0}
            axes.barh(-0.1, design.over, 0.45, left=design.budget, **look)
        for shift, name in zip(SHIFTS, COLUMNS, strict=True):
            style.beside(axes, -0.65, name, shift=shift, ha="right", color=style.GREY)
        for y, (yours, theirs) in enumerate(rows.values()):
            axes.barh(y + 0.24, theirs[0], 0.16, color=style.MIDDLE_GREY)
            for shift, mine, other in zip(SHIFTS, _told(yours), _told(theirs), strict=True):
                look = {"shift": shift, "ha": "right"}
                style.beside(axes, y - 0.1, mine, weight="bold", **look)
                if mine != other:
                    style.beside(axes, y + 0.24, other, color=style.GREY, fontsize=12, **look)
        axes.axvline(design.budget, 0.81, 1, color=style.INK, linewidth=2)
        axes.set(xticks=[], xlim=(0, max(design.macs, design.budget)))
        axes.spines["bottom"].set_visible(False)
        axes.set_xlabel(_told_budget(design), weight="bold", loc="left")
        weights = f"{design.params:,} weights, the paper's {paper.params:,}"
        key = "yours in colour, reductions lighter, the paper's in grey; upright line: the budget"
        style.footnote(figure, f"{weights}; {key}")
    figure.alt = _describe_design(design)
    return figure


def _describe_design(design: Design) -> str:
    """Return the alt text of `draw_design`, from the same data."""
    paper = paper_design(design.module)
    lanes = "; ".join(
        f"{name.replace('x', '×')} {sum(lane.macs):,} (the paper's {sum(other.macs):,})"
        if lane.channels
        else f"{name.replace('x', '×')} left out"
        for (name, lane), other in zip(design.lanes.items(), paper.lanes.values(), strict=True)
    )
    window = f"{style.times(design.window, design.window)} of the map" if design.window else "none"
    seen = f", {design.field} pixels of the picture" if design.window else ""
    return (
        f"A design in the place of {_short(design)}. {_told_budget(design)}. By lane: {lanes}. "
        f"{design.params:,} weights (the paper's {paper.params:,}), {design.out_channels:,} "
        f"channels out (the paper's {paper.out_channels:,}), largest window {window}{seen}."
    )


def _short(design: Design) -> str:
    return design.module.removeprefix("inception")


def _told_budget(design: Design) -> str:
    """Plainly: over the budget by how much, or how much is left."""
    spent = f"{design.macs:,} of {design.budget:,} multiply-adds spent"
    share = f"{abs(design.over):,} ({abs(design.over) / design.budget:.1%})"
    if design.over > 0:
        return f"OVER THE BUDGET by {share}: {spent}"
    if design.over == 0:
        return f"Exactly the budget: {spent}"
    return f"Within the budget, {share} left: {spent}"


def _shades(lane: str, macs: tuple[int, ...]) -> tuple[str, ...]:
    colour = style.BRANCH_COLOURS[lane]
    return (style.tint(colour, REDUCTION_TINT), colour) if macs[1:] else (colour,)


def _sums(design: Design) -> tuple[int, int, int]:
    return design.macs, design.out_channels, design.window


def _told(numbers: tuple[int, ...]) -> tuple[str, ...]:
    macs, channels, window = numbers
    return f"{macs:,}", f"{channels:,}", style.times(window, window) if window else "none"


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
    """Sliders for the six widths, the place whose budget is spent, and a board of kept designs.

    Below the controls stand three buttons: keep the design, train a small network of it for
    `steps` steps, and go back to the paper's widths. Each training of a design takes the next
    seed. The box holds controls, buttons, picture, words, what the last button did, the board.
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
        design = chosen()
        return draw_design(design)

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
        said.value = ""
        show_board()

    def board() -> Board:
        return boards.setdefault(place.value, Board(place.value))

    def show_board() -> None:
        table.value = _table(board())

    def keep(_button: widgets.Button) -> None:
        kept = "On the board already" if board().find(chosen()) else "Kept"
        said.value = f"<p>{kept}: {html.escape(board().keep(chosen()).name)}.</p>"
        show_board()

    def train(_button: widgets.Button) -> None:
        design, bar = chosen(), widgets.IntProgress(max=steps, description="training")
        buttons.children = (*shown, bar)
        for one in shown:
            one.disabled = True
        try:
            said.value = _train(design, bar)
        finally:  # the kernel may have been interrupted
            buttons.children = shown
            for one in shown:
                one.disabled = False
        show_board()

    def _train(design: Design, bar: widgets.IntProgress) -> str:
        def tick() -> None:
            bar.value += 1

        tried = board().find(design)
        seed = len(tried.trials) if tried else 0
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

    shown = tuple(
        _button(text, does)
        for text, does in (
            ("keep this design", keep),
            (f"train it for {steps} steps", train),
            ("back to the paper's widths", take_papers),
        )
    )
    buttons = widgets.HBox(shown)
    buttons.layout.flex_flow = "row wrap"
    said, table = widgets.HTML(), widgets.HTML()
    take_papers()
    place.observe(take_papers, names="value")
    for slider in sliders.values():
        slider.observe(moved, names="value")
    box = panel(draw, _moves=moves)
    controls = widgets.HBox([place, *sliders.values(), moves])
    controls.layout.flex_flow = "row wrap"
    box.children = (controls, buttons, *box.children[1:], said, table)
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


def _button(text: str, does: Callable[[widgets.Button], None]) -> widgets.Button:
    button = widgets.Button(description=text, layout=widgets.Layout(width="220px"))
    button.on_click(does)
    return button


def _table(board: Board) -> str:
    """The designs of one place as an HTML table, with what their trials decide beneath."""
    rows = [_row("th", HEADERS), *(_row("td", _cells(one)) for one in board.standings())]
    order = "Within the budget first, by channels out."
    told = f"<p>{order} {html.escape(board.verdict())}</p>"
    return f"<table cellpadding='4'>{''.join(rows)}</table>{told}"


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
        " | ".join(_lane(design, name) for name in LANES),
        f"{share}, over by {design.over:,}" if design.over > 0 else share,
        f"{design.params:,}",
        f"{design.out_channels:,}",
        f"{design.window}×{design.window}" if design.window else "none",
        _accuracy(entry),
    )


def _lane(design: Design, name: str) -> str:
    """Its widths, such as 96→128."""
    if not design.lanes[name].channels:
        return "–"
    return "→".join(str(getattr(design.widths, layer)) for layer in LANES[name][0])


def _accuracy(entry: Entry) -> str:
    if not entry.trials:
        return "not tried"
    low, high = entry.accuracies
    if len(entry.trials) == 1:
        return f"{low:.3f}, one run"
    return f"{low:.3f} to {high:.3f}, {len(entry.trials)} runs"
