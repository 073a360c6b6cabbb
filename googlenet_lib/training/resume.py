"""Going on from a checkpoint, which may be damaged, of an older version, or of another torch.

Weights, moments, generators and the history come from the file. Settings never do: they follow
from the recipe and from the number of steps that were made.
"""

from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from googlenet_lib.incoming import check_finite, check_form, match_names, refuse_damage
from googlenet_lib.training.checkpoint import ANEW
from googlenet_lib.training.loop import Metrics, Trainer

MOMENTS = {"adam": {"step", "exp_avg", "exp_avg_sq"}, "sgd": {"momentum_buffer"}, "muon": {"speed"}}
RECORD = {
    "epoch": 1,
    "lr": 0.0,
    **{f"{side}_{f.name}": 0.0 for side in ("train", "val") for f in fields(Metrics)},
    "seconds": 0.0,
}


def resume(trainer: Trainer, state: dict[str, Any], path: Path) -> dict[str, Tensor]:
    """Let `trainer` go on from `state`, which `path` held; return the weights of the best epoch.

    Raises UsageError where that does not fit, before anything is made from it.
    """
    fresh = {**trainer.state_dict(), "best": trainer.trained.state_dict()}
    with refuse_damage(path, "a checkpoint", ANEW):
        check_form(dict.fromkeys(state, 0), dict.fromkeys([*fresh, "identity"], 0))
        check_finite(state)
        for name in ("model", "average", "best"):
            if state[name] and fresh[name]:
                state[name] = match_names(state[name], fresh[name])
            check_form(state[name], fresh[name], name)
        check_form(state["order"], fresh["order"], "order")
        # another device has generators of its own beside the CPU's
        cpu = [[{"cpu": part["cpu"]} for part in side["random"]] for side in (state, fresh)]
        check_form(*cpu, "random")
        _check_history(state["history"], trainer)
        moments = state["optimiser"]["state"]
        _check_moments(moments, trainer)
        _set_steps(fresh, trainer, len(state["history"]) * len(trainer.train_batches))
        state["optimiser"] = fresh["optimiser"] | {"state": moments}
        state["scheduler"] = fresh["scheduler"]
        state["scaler"] = state["scaler"] or fresh["scaler"]  # another device had none
        trainer.load_state_dict(state)
    return state["best"]


def _check_history(history: list[dict[str, float]], trainer: Trainer) -> None:
    check_form(history, [RECORD] * len(history), "history")
    epochs = [record["epoch"] for record in history]
    if epochs != [*range(1, len(history) + 1)] or not 0 < len(history) <= trainer.recipe.epochs:
        raise ValueError(f"its history is of epochs {epochs}")


def _check_moments(moments: dict[int, dict[str, Any]], trainer: Trainer) -> None:
    """Compare the optimiser's moments with the parameters, which torch does not."""
    parameters = [p for group in trainer.optimiser.param_groups for p in group["params"]]
    for index, named in moments.items():
        if index not in range(len(parameters)) or named.keys() != MOMENTS[trainer.recipe.optimiser]:
            raise ValueError(f"its optimiser keeps {[*named]} of parameter {index}")
        for name, moment in named.items():
            expected = torch.tensor(0.0) if name == "step" else parameters[index]
            check_form(moment, expected, f"optimiser {index} {name!r}")


def _set_steps(fresh: dict[str, Any], trainer: Trainer, steps: int) -> None:
    """Bring the settings of a fresh trainer's state to where they are after `steps`."""
    schedule = trainer.scheduler
    pairs = zip(schedule.base_lrs, schedule.lr_lambdas, strict=True)
    rates = [base * factor(steps) for base, factor in pairs]
    fresh["scheduler"] |= {"last_epoch": steps, "_step_count": steps + 1, "_last_lr": rates}
    for group, rate in zip(fresh["optimiser"]["param_groups"], rates, strict=True):
        group["lr"] = rate
