"""Write the pages of the library's functions and classes from its docstrings, without torch.

griffe reads the source and runs none of it. What is private, or imported from elsewhere, is left
out; a class that is data shows its fields as they stand in the source, with their comments.
"""

from pathlib import Path

import griffe
from blocks import table
from gather import REPOSITORY, write_anew

# The rooms in the order in which they are read, with the modules to begin with; others follow.
ROOMS = {
    "network": ("table1", "blocks", "variants", "googlenet", "pretrained", "fuse", "count"),
    "data": ("load", "imageset", "batches", "augment"),
    "training": ("recipes", "loop", "optim", "fit", "checkpoint", "run"),
}
INDEX = """# Functions and classes

What `from googlenet_lib import ...` gives stands in the table. The rest is on the pages of the
rooms: [network](network.md), [data](data.md) and [training](training.md).
[The library](../library.md) tells how they belong together. All of this comes from the docstrings
in the source.

```{toctree}
:hidden:

network
data
training
```"""


def write_api(root: Path, docs: Path) -> None:
    """Write docs/api/: a page of the public names, and one for each room of the library."""
    package = griffe.load("googlenet_lib", search_paths=[root], allow_inspection=False)
    folder = docs / "api"
    folder.mkdir(exist_ok=True)
    write_anew(folder / "index.md", draw_index(package))
    for room, first in ROOMS.items():
        modules = {
            name: module
            for name, module in package[room].modules.items()
            if not name.startswith("_")
        }
        names = [*first, *sorted(set(modules) - set(first))]
        parts = [f"# googlenet_lib.{room}", package[room].docstring.value]
        parts += [draw_module(modules[name]) for name in names]
        write_anew(folder / f"{room}.md", "\n\n".join(filter(None, parts)) + "\n")


def draw_index(package: griffe.Module) -> str:
    """Write the page that lists what `from googlenet_lib import ...` gives."""
    rows, here = [], []
    for name, home in sorted(_find_homes(package).items()):
        target = package[home]
        first = _say(target).split("\n\n")[0].replace("\n", " ")
        rows.append([f"{{py:obj}}`{name} <{target.path}>`", first])
        if home.split(".")[0] not in ROOMS:
            module = f"```{{py:currentmodule}} {target.module.path}\n```"
            here.append(f"{module}\n\n{draw_member(target, 4)}")
    names = table(["name", "what it is"], rows)
    return "\n\n".join([INDEX, names, "## Those in no room", *here]) + "\n"


def _find_homes(package: griffe.Module) -> dict[str, str]:
    """Return the public names, each with the path of what it stands for within the package."""
    prefix = "googlenet_lib."
    aliases = {name: m.target_path for name, m in package.members.items() if m.is_alias}
    return {
        name: path.removeprefix(prefix)
        for name, path in aliases.items()
        if path.startswith(prefix) and path.count(".") > 1
    }


def draw_module(module: griffe.Module) -> str:
    """Write a module's heading, what it says of itself, and its public members."""
    heading = f"## {module.name}\n\n```{{py:module}} {module.path}\n```"
    members = [draw_member(member, 4) for member in _public(module)]
    return "\n\n".join([heading, _say(module), *filter(None, members)])


def _public(of: griffe.Module | griffe.Class) -> list[griffe.Object]:
    return [
        member
        for name, member in of.members.items()
        if not name.startswith("_") and not member.is_alias
    ]


def _say(of: griffe.Object) -> str:
    return of.docstring.value if of.docstring else ""


def draw_member(member: griffe.Object, ticks: int) -> str:
    """Write a public function, class or described value as a directive of Sphinx, others as "".

    `ticks` are those of the directive's fence, which has to be longer than those within.
    """
    if not member.docstring:
        return ""
    kind, signature, content = "data", member.name, [_say(member)]
    if member.is_class:
        kind = "class"
        fields = _find_fields(member)
        content.append(_show_fields(member, fields))
        content += [draw_member(m, ticks - 1) for m in _public(member)]
        start = member.members.get("__init__")
        if start is not None and not fields:
            signature += _write_parameters(start)
    elif member.is_function:
        kind = "method" if member.parent.is_class else "function"
        signature += _write_parameters(member)
        signature += f" -> {member.returns}" if member.returns else ""
    elif "property" in member.labels:
        kind = "property"
    if member.parent.is_module:
        file = member.module.path.replace(".", "/")
        content.append(f"[Source]({REPOSITORY}/blob/main/{file}.py#L{member.lineno})")
    fence = "`" * ticks
    body = "\n\n".join(filter(None, content))
    return f"{fence}{{py:{kind}}} {signature}\n{body}\n{fence}"


def _find_fields(member: griffe.Class) -> list[griffe.Attribute]:
    is_data = "dataclass" in member.labels or "NamedTuple" in map(str, member.bases)
    return [m for m in _public(member) if is_data and m.is_attribute and not m.docstring]


def _show_fields(member: griffe.Class, fields: list[griffe.Attribute]) -> str:
    if not fields:
        return ""
    lines = Path(member.module.filepath).read_text(encoding="utf-8").splitlines()
    shown = [line[4:] for line in lines[fields[0].lineno - 1 : fields[-1].endlineno]]
    return "\n".join(["```python", *shown, "```"])


def _write_parameters(function: griffe.Function) -> str:
    stars = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}
    parts = []
    for parameter in function.parameters:
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is griffe.ParameterKind.keyword_only and not any(
            part.startswith("*") for part in parts
        ):
            parts.append("*")
        text = stars.get(parameter.kind, "") + parameter.name
        if parameter.annotation is not None:
            text += f": {parameter.annotation}"
        if parameter.default is not None and parameter.kind not in stars:
            text += f" = {parameter.default}"
        parts.append(text)
    return f"({', '.join(parts)})"
