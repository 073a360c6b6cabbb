"""The course as data: its lessons in reading order, and the deep dives beside them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lesson:
    """One notebook: its file's name without suffix, its title and its question.

    A deep dive names the lesson that it `deepens`; nobody needs it to go on.
    """

    name: str
    title: str
    question: str
    deepens: str = ""  # the number of a core lesson, such as "01"

    @property
    def number(self) -> str:
        """Return two digits, such as "06"; for a deep dive, those of the lesson that it deepens."""
        return self.deepens or self.name[:2]

    @property
    def heading(self) -> str:
        """Return the notebook's heading, such as "03 · The Inception block"."""
        return f"{'Deep dive' if self.deepens else self.number} · {self.title}"


CORE: tuple[Lesson, ...] = (
    Lesson("00_start_here", "Start here", "What will I have at the end?"),
    Lesson("01_why_many_scales", "Why many scales", "Why several kernel sizes at once?"),
    Lesson(
        "02_one_by_one_convolutions",
        "1x1 convolutions",
        "How can a kernel that sees one pixel help?",
    ),
    Lesson("03_inception_block", "The Inception block", "How do four branches become one?"),
    Lesson("04_googlenet", "GoogLeNet", "What is in the whole network?"),
    Lesson("05_auxiliary_heads", "Auxiliary heads", "Who rescues the gradient?"),
    Lesson("06_train_on_cifar10", "Train on CIFAR-10", "Can I train it myself?"),
    Lesson("07_train_like_imagenet", "Train like ImageNet", "Which changes make it accurate?"),
    Lesson("08_train_fast", "Train fast", "Which changes make it fast?"),
)

DIVES: tuple[Lesson, ...] = (
    Lesson(
        "deep_fair_comparison",
        "A fair comparison",
        "One kernel size or several: how do you find out?",
        deepens="01",
    ),
    Lesson(
        "deep_receptive_fields",
        "Receptive fields, measured",
        "How much of its receptive field does a network use?",
        deepens="01",
    ),
    Lesson("deep_bottlenecks", "Bottlenecks", "What is lost in a narrow 1x1 layer?", deepens="02"),
    Lesson("deep_table1_audit", "Table 1, audited", "Does the paper add up?", deepens="04"),
    Lesson(
        "deep_accuracy_ladder",
        "The accuracy ladder",
        "What can three seeds tell you?",
        deepens="07",
    ),
)

LESSONS = CORE + DIVES
