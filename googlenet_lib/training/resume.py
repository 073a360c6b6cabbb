"""Going on from a checkpoint, which may be damaged, of an older version, or of another device."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from torch import Tensor

from googlenet_lib.incoming import check_finite, check_form, match_names, refuse_damage
from googlenet_lib.training.checkpoint import ANEW
from googlenet_lib.training.loop import Metrics, Trainer

RECORD = {
    "epoch": 1,
    "lr": 0.0,
    **{f"{side}_{f.name}": 0.0 for side in ("train", "val") for f in fields(Metrics)},
    "seconds": 0.0,
}


def resume(trainer: Trainer, state: dict[str, Any], path: Path) -> dict[str, Tensor]:
    """Let `trainer` go on from `state`, which `path` held; return the weights of the best epoch.

    Raises UsageError where that does not fit.
    """
    fresh = {**trainer.state_dict(), "best": trainer.trained.state_dict()}
    with refuse_damage(path, "a checkpoint", ANEW):
        check_form(dict.fromkeys(state, 0), dict.fromkeys([*fresh, "identity"], 0))
        check_finite(state)
        for name in ("model", "average", "best"):
            if state[name] and fresh[name]:
                state[name] = match_names(state[name], fresh[name])
            check_form(state[name], fresh[name], name)
        _check_history(state["history"], trainer)
        state["scaler"] = state["scaler"] or fresh["scaler"]  # another device had none
        trainer.load_state_dict(state)
    return state["best"]


def _check_history(history: list[dict[str, float]], trainer: Trainer) -> None:
    check_form(history, [RECORD] * len(history), "history")
    epochs = [record["epoch"] for record in history]
    if epochs != [*range(1, len(history) + 1)] or not 0 < len(history) <= trainer.recipe.epochs:
        raise ValueError(f"its history is of epochs {epochs}")
