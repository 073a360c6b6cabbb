// An explorer of the course on a page without a kernel: <course-explorer name="explore_mixer">.
// Its module explorers/explore_mixer.js has a function build(element). With the attribute `drawn`,
// every state was drawn beforehand, and explorers/drawn.js shows them.
// A module that loads more than this exports `bytes`, and starts by a button where data are saved.
const MOST_BYTES = 1e5;

customElements.define(
  "course-explorer",
  class extends HTMLElement {
    /** Wait until the explorer is nearly in view. */
    connectedCallback() {
      const watcher = new IntersectionObserver(
        (entries) => {
          if (!entries.some((entry) => entry.isIntersecting)) return;
          watcher.disconnect();
          this.load();
        },
        { rootMargin: "400px" },
      );
      watcher.observe(this);
    }

    async load() {
      const link = this.querySelector("a"); // the lesson in Colab
      const name = this.hasAttribute("drawn") ? "drawn" : this.getAttribute("name");
      try {
        const { build, bytes = 0 } = await import(`./explorers/${name}.js`);
        const asked = bytes > MOST_BYTES && navigator.connection?.saveData;
        if (asked) await this.askToStart(bytes);
        await build(this);
        if (asked) this.querySelector("input, select, button")?.focus();
      } catch {
        this.replaceChildren("This explorer could not be loaded; to use it, ", link, ".");
      }
    }

    /** Resolve when the reader presses "Start". */
    askToStart(bytes) {
      const button = document.createElement("button");
      button.textContent = `Start (loads ${(bytes / 1e6).toFixed(1)} MB)`;
      this.replaceChildren(button);
      return new Promise((resolve) => button.addEventListener("click", resolve));
    }
  },
);
