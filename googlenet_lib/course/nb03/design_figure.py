"""Notebook 03: a figure of six widths, what they cost, and what is left of the budget."""

from matplotlib.figure import Figure

from googlenet_lib.course.kit import style
from googlenet_lib.course.nb03.design import Design, paper_design

COLUMNS, SHIFTS = ("multiply-adds", "channels out", "sees"), (105, 215, 300)  # pixels
REDUCTION_TINT = 0.55


def draw_design(design: Design) -> Figure:
    """Draw what each branch of a design spends, all of them against the budget.

    Coloured bars and bold numbers are the design's, a reduction in a lighter tint of its branch.
    Grey bars below them, and grey numbers where they differ, are those of the paper's own widths.
    A vertical line marks the budget; the part of a bar beyond it is hatched.
    """
    paper = paper_design(design.module)
    rows = {"together": (_add_up(design), _add_up(paper))}
    for name, branch in design.branches.items():
        theirs = paper.branches[name]
        rows[name] = tuple((sum(one.macs), one.channels, one.window) for one in (branch, theirs))
    with style.house_style():
        figure, axes = style.chart(430)
        channels, size, *_ = design.place
        place = f"{channels} channels in, a map of {style.times(size, size)}"
        style.headline(figure, f"A module in the place of {_short(design)}: {place}")
        style.name_rows(axes, [name.replace("x", "×") for name in rows])
        for label in axes.get_yticklabels():
            name = label.get_text().replace("×", "x")
            label.set(color=style.BRANCH_COLOURS.get(name, style.INK), weight="bold", fontsize=14)
        together = 0
        for y, (name, branch) in enumerate(design.branches.items(), start=1):
            start = 0
            for macs, shade in zip(branch.macs, _shades(name, branch.macs), strict=True):
                axes.barh(y - 0.1, macs, 0.45, left=start, color=shade)
                axes.barh(-0.1, macs, 0.45, left=together, color=shade)
                start, together = start + macs, together + macs
            if not branch.channels:
                axes.text(0, y - 0.1, " left out", va="center", color=style.GREY)
        if design.over > 0:
            look = {"color": "none", "edgecolor": style.INK, "hatch": "////", "linewidth": 0}
            axes.barh(-0.1, design.over, 0.45, left=design.budget, **look)
        for shift, name in zip(SHIFTS, COLUMNS, strict=True):
            style.beside(axes, -0.65, name, shift=shift, ha="right", color=style.GREY)
        for y, (yours, theirs) in enumerate(rows.values()):
            axes.barh(y + 0.24, theirs[0], 0.16, color=style.MIDDLE_GREY)
            for shift, mine, other in zip(SHIFTS, _write(yours), _write(theirs), strict=True):
                look = {"shift": shift, "ha": "right"}
                style.beside(axes, y - 0.1, mine, weight="bold", **look)
                if mine != other:
                    style.beside(axes, y + 0.24, other, color=style.GREY, fontsize=12, **look)
        axes.axvline(design.budget, 0.81, 1, color=style.INK, linewidth=2)
        axes.set(xticks=[], xlim=(0, max(design.macs, design.budget)))
        axes.spines["bottom"].set_visible(False)
        axes.set_xlabel(_describe_budget(design), weight="bold", loc="left")
        weights = f"{design.params:,} weights, the paper's {paper.params:,}"
        key = "yours in colour, reductions lighter, the paper's in grey; vertical line: the budget"
        style.footnote(figure, f"{weights}; {key}")
    figure.alt = _describe_design(design)
    return figure


def _describe_design(design: Design) -> str:
    """Return the alt text of `draw_design`, from the same data."""
    paper = paper_design(design.module)
    branches = "; ".join(
        f"{name.replace('x', '×')} {sum(branch.macs):,} (the paper's {sum(other.macs):,})"
        if branch.channels
        else f"{name.replace('x', '×')} left out"
        for (name, branch), other in zip(
            design.branches.items(), paper.branches.values(), strict=True
        )
    )
    window = f"{style.times(design.window, design.window)} of the map" if design.window else "none"
    seen = f", {design.field} pixels of the picture" if design.window else ""
    return (
        f"A design in the place of {_short(design)}. {_describe_budget(design)}. By branch: "
        f"{branches}. {design.params:,} weights (the paper's {paper.params:,}), "
        f"{design.out_channels:,} channels out (the paper's {paper.out_channels:,}), "
        f"largest kernel {window}{seen}."
    )


def _short(design: Design) -> str:
    return design.module.removeprefix("inception")


def _describe_budget(design: Design) -> str:
    """Say how much is left of the budget, or by how much the design is over it."""
    spent = f"{design.macs:,} of {design.budget:,} multiply-adds spent"
    share = f"{abs(design.over):,} ({abs(design.over) / design.budget:.1%})"
    if design.over > 0:
        return f"OVER THE BUDGET by {share}: {spent}"
    if design.over == 0:
        return f"Exactly the budget: {spent}"
    return f"Within the budget, {share} left: {spent}"


def _shades(branch: str, macs: tuple[int, ...]) -> tuple[str, ...]:
    colour = style.BRANCH_COLOURS[branch]
    return (style.tint(colour, REDUCTION_TINT), colour) if macs[1:] else (colour,)


def _add_up(design: Design) -> tuple[int, int, int]:
    return design.macs, design.out_channels, design.window


def _write(numbers: tuple[int, ...]) -> tuple[str, ...]:
    macs, channels, window = numbers
    return f"{macs:,}", f"{channels:,}", style.times(window, window) if window else "none"
