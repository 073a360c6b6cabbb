// An explorer of the course on a page without a kernel: every state was drawn beforehand.
// <course-explorer name="explore_tower"></course-explorer>
customElements.define(
  "course-explorer",
  class extends HTMLElement {
    async connectedCallback() {
      const folder = new URL(`explorers/${this.getAttribute("name")}/`, import.meta.url);
      try {
        this.build(await (await fetch(new URL("states.json", folder))).json(), folder);
      } catch {
        this.textContent = "This explorer could not be loaded; open the lesson in Colab to use it.";
      }
    }

    build({ controls, first, size, states }, folder) {
      const chosen = [...first];
      const image = new Image(...size);
      image.className = "dark-light";
      const words = document.createElement("p");
      words.setAttribute("role", "status");
      const show = () => {
        const find = (number, value, i) => number * controls[i].options.length + value;
        const [file, text] = states[chosen.reduce(find, 0)];
        image.src = new URL(file, folder);
        image.alt = text;
        words.textContent = text;
      };
      const row = document.createElement("div");
      row.className = "explorer-controls";
      controls.forEach((control, i) => row.append(this.makeControl(control, chosen, i, show)));
      this.replaceChildren(row, image, words);
      show();
    }

    makeControl({ label, kind, options }, chosen, i, show) {
      const line = document.createElement("label");
      const input = document.createElement(kind === "select" ? "select" : "input");
      const value = document.createElement("output");
      if (kind === "select") options.forEach((option, number) => input.append(new Option(option, number)));
      else if (kind === "check") input.type = "checkbox";
      else Object.assign(input, { type: "range", min: 0, max: options.length - 1 });
      if (kind === "check") line.append(input, ` ${label}`);
      else line.append(`${label} `, input, kind === "range" ? value : "");
      if (kind === "check") input.checked = chosen[i] === 1;
      else input.value = chosen[i];
      const read = () => {
        chosen[i] = kind === "check" ? Number(input.checked) : Number(input.value);
        value.textContent = ` ${options[chosen[i]]}`;
        if (kind === "range") input.setAttribute("aria-valuetext", options[chosen[i]]);
      };
      input.addEventListener("input", () => {
        read();
        show();
      });
      read();
      return line;
    }
  },
);
