"""The course as data: its lessons in reading order, and the deep dives beside them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lesson:
    """One notebook: its file's name without suffix, its title, its question, what you do.

    A deep dive names the lesson that it `deepens`; nobody needs it to go on.
    """

    name: str
    title: str
    question: str
    does: str
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
    Lesson(
        "00_start_here",
        "Start here",
        "What will I have at the end?",
        "try a trained network, and look into it",
    ),
    Lesson(
        "01_why_many_scales",
        "Why many scales",
        "Why several kernel sizes at once?",
        "build a first network of 20 lines, and its training loop",
    ),
    Lesson(
        "02_one_by_one_convolutions",
        "1x1 convolutions",
        "How can a kernel that sees one pixel help?",
        "build a 1x1 convolution and a bottleneck",
    ),
    Lesson(
        "03_inception_block",
        "The Inception block",
        "How do four branches become one?",
        "build the Inception module, naive and reduced",
    ),
    Lesson(
        "04_googlenet",
        "GoogLeNet",
        "What is in the whole network?",
        "build all of GoogLeNet, from the rows of Table 1",
    ),
    Lesson(
        "05_auxiliary_heads",
        "Auxiliary heads",
        "Who rescues the gradient?",
        "build BatchNorm and an auxiliary head",
    ),
    Lesson(
        "06_train_on_cifar10",
        "Train on CIFAR-10",
        "Can I train it myself?",
        "write a training with checkpoint and curves",
    ),
    Lesson(
        "07_train_like_imagenet",
        "Train like ImageNet",
        "Which changes make it accurate?",
        "write augmentation, label smoothing, Muon and schedules",
    ),
    Lesson(
        "08_train_fast",
        "Train fast",
        "Which changes make it fast?",
        "write loss scaling, fused BatchNorm, prefetching",
    ),
)

DIVES: tuple[Lesson, ...] = (
    Lesson(
        "deep_fair_comparison",
        "A fair comparison",
        "One kernel size or several: how do you find out?",
        "write a permutation test",
        deepens="01",
    ),
    Lesson(
        "deep_receptive_fields",
        "Receptive fields, measured",
        "How much of its receptive field does a network use?",
        "measure a receptive field with the gradient",
        deepens="01",
    ),
    Lesson(
        "deep_bottlenecks",
        "Bottlenecks",
        "What is lost in a narrow 1x1 layer?",
        "test a trend over fifteen runs",
        deepens="02",
    ),
    Lesson(
        "deep_table1_audit",
        "Table 1, audited",
        "Does the paper add up?",
        "audit a published table, row by row",
        deepens="04",
    ),
    Lesson(
        "deep_accuracy_ladder",
        "The accuracy ladder",
        "What can three seeds tell you?",
        "compute a confidence interval",
        deepens="07",
    ),
)

LESSONS = CORE + DIVES
