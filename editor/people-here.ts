import type { Awareness } from "y-protocols/awareness";
import { somebody, type Somebody } from "./colours.ts";
import { element } from "./dom.ts";

/** As many fit beside the title on a phone. */
const SHOWN = 4;

/** Who has the document open, oneself left out; follows for as long as the page lives. */
export function createPeopleHere(awareness: Awareness): HTMLElement {
  const list = element("ul", { className: "people", ariaLabel: "Also here" });
  const show = (): void => {
    const people = othersIn(awareness);
    const rest = people.slice(SHOWN).map(({ name }) => name);
    list.replaceChildren(
      ...people.slice(0, SHOWN).map(badge),
      ...(rest.length === 0
        ? []
        : [element("li", { className: "person more", title: rest.join(", ") }, `+${rest.length}`)]),
    );
    list.hidden = people.length === 0;
  };
  awareness.on("change", show);
  show();
  return list;
}

/** One entry a person, however many tabs he has open. */
function othersIn(awareness: Awareness): Somebody[] {
  const others = new Map<string, Somebody>();
  for (const [client, state] of awareness.getStates()) {
    const user: unknown = state["user"];
    if (client === awareness.clientID || user === undefined) continue;
    const person = somebody(user);
    others.set(`${person.colour} ${person.name}`, person);
  }
  return [...others.values()].toSorted((one, other) => one.name.localeCompare(other.name));
}

function badge({ name, colour }: Somebody): HTMLElement {
  const initials = name
    .split(/\s+/u)
    .slice(0, 2)
    .map((word) => String.fromCodePoint(word.codePointAt(0) ?? 0x3f))
    .join("")
    .toUpperCase();
  const letters = element("span", { ariaHidden: "true" }, initials);
  const item = element("li", { className: "person", title: name }, letters);
  item.append(element("span", { className: "spoken" }, name));
  item.style.backgroundColor = colour;
  return item;
}
