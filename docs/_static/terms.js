// The line of the glossary, beside a term that the pointer or the keyboard is on.
const tip = document.createElement("div");
tip.id = "term-tip";
tip.setAttribute("role", "tooltip");
tip.hidden = true;

function show(term) {
  hide();
  tip.textContent = term.dataset.says;
  document.body.append(tip);
  tip.hidden = false;
  term.setAttribute("aria-describedby", tip.id);
  const { left, top, bottom } = term.getBoundingClientRect();
  const right = document.documentElement.clientWidth - tip.offsetWidth - 8;
  const below = bottom + tip.offsetHeight < window.innerHeight;
  tip.style.left = `${Math.max(8, Math.min(left, right))}px`;
  tip.style.top = `${below ? bottom : top - tip.offsetHeight}px`;
}

function hide() {
  tip.hidden = true;
  document.querySelector("a.term[aria-describedby]")?.removeAttribute("aria-describedby");
}

for (const term of document.querySelectorAll("a.term")) {
  const byHover = ({ pointerType }) => pointerType !== "touch";
  // a first touch shows the tip, and a second follows the link; iOS focuses no link that is touched
  let touched = false, shown = false;
  term.addEventListener("pointerenter", (event) => byHover(event) && show(term));
  term.addEventListener("pointerleave", (event) => {
    if (byHover(event) && event.relatedTarget !== tip) hide();
  });
  term.addEventListener("pointerdown", (event) => {
    touched = !byHover(event);
    shown = term.hasAttribute("aria-describedby");
  });
  term.addEventListener("click", (event) => {
    if (touched && !shown) {
      event.preventDefault();
      show(term);
    }
    touched = false;
  });
  term.addEventListener("focus", () => show(term));
  term.addEventListener("blur", hide);
}
tip.addEventListener("pointerleave", hide); // the pointer may go onto the tip, and read it there
document.addEventListener("pointerdown", ({ target }) => {
  if (!target.closest("a.term, #term-tip")) hide(); // iOS sends no blur
});
window.addEventListener(
  "scroll",
  () => {
    // a browser scrolls to the link that the keyboard comes to: its tip goes along
    const term = document.querySelector("a.term[aria-describedby]");
    if (term?.matches(":focus-visible")) show(term);
    else hide();
  },
  { passive: true },
);
window.addEventListener("keydown", ({ key }) => key === "Escape" && hide());
