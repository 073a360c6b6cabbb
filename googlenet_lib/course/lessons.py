"""The course as data: its notebooks in reading order, in four stages, each with its question."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lesson:
    """One notebook: its file's name without suffix, its question, and whether it exists yet."""

    name: str
    stage: str
    question: str
    ready: bool = False

    @property
    def number(self) -> str:
        """Two digits, such as "06"."""
        return self.name[:2]

    @property
    def title(self) -> str:
        """The name as it is read: "train on cifar10"."""
        return self.name[3:].replace("_", " ")


LESSONS: tuple[Lesson, ...] = (
    Lesson("00_start_here", "See it", "What will I have at the end?", ready=True),
    Lesson("01_why_many_scales", "Build it", "Why several kernel sizes at once?", ready=True),
    Lesson(
        "02_one_by_one_convolutions",
        "Build it",
        "How can a kernel that sees one pixel help?",
        ready=True,
    ),
    Lesson("03_inception_block", "Build it", "How do four branches become one?", ready=True),
    Lesson("04_googlenet", "Build it", "Does the paper add up?", ready=True),
    Lesson("05_auxiliary_heads", "Build it", "Who rescues the gradient?", ready=True),
    Lesson("06_train_on_cifar10", "Train it", "Can I train it myself?", ready=True),
    Lesson("07_train_like_imagenet", "Train it", "What does every modern trick buy?", ready=True),
    Lesson("08_evaluate", "Question it", "What does 95% hide?"),
    Lesson("09_look_inside", "Question it", "What has it learnt?"),
    Lesson("10_bug_clinic", "Question it", "Could I find the bug?"),
)
