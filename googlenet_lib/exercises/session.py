"""What one learner has done since the kernel started."""

from dataclasses import dataclass, field


@dataclass
class Guess:
    """A prediction, how sure it was (0.5 to 1), and whether the answer had been shown before."""

    value: str | float
    confidence: float
    counts: bool = True


@dataclass
class Session:
    """Kept by id. It lasts as long as the kernel does, and nothing of it leaves the machine."""

    solved: dict[str, bool] = field(default_factory=dict)  # by the latest check; blanks are none
    hints: dict[str, int] = field(default_factory=dict)  # how many have been shown
    guesses: dict[str, Guess] = field(default_factory=dict)
    revealed: dict[str, bool | None] = field(default_factory=dict)  # right; None: no guess

    def reset(self) -> None:
        """Forget everything."""
        for kept in vars(self).values():
            kept.clear()


session = Session()
