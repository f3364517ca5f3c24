const SVG = "http://www.w3.org/2000/svg";

/** Strokes on a field of 24 × 24. */
const PATHS = {
  undo: "M9 14 4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3",
  redo: "m15 14 5-5-5-5M20 9H10a6 6 0 0 0 0 12h3",
  bold: "M7 5h6a3.5 3.5 0 0 1 0 7H7zM7 12h7a3.5 3.5 0 0 1 0 7H7z",
  italic: "M18 5h-7M13 19H6M14.5 5l-5 14",
  underline: "M7 4v7a5 5 0 0 0 10 0V4M5 20h14",
  strike:
    "M4 12h16M16.5 7A4 4 0 0 0 12.5 5h-1C9 5 7.5 6.5 7.5 8.3M7.5 17a4 4 0 0 0 4 2h1c2.5 0 4-1.5 4-3.3",
  code: "m8 7-5 5 5 5M16 7l5 5-5 5",
  link: "M10 14a4 4 0 0 0 5.7 0l3.5-3.5a4 4 0 1 0-5.7-5.7L12.5 5.8M14 10a4 4 0 0 0-5.7 0l-3.5 3.5a4 4 0 1 0 5.7 5.7l1-1",
  bulletList: "M9 6h11M9 12h11M9 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01",
  orderedList: "M10 6h10M10 12h10M10 18h10M4 4.5 5.5 4v4M4 13c0-1.2 2-1.2 2 0 0 .8-2 1.5-2 2.5h2",
  taskList: "m3.5 6 1.5 1.5L8 4.5M3.5 15l1.5 1.5 3-3M12 6h8M12 15h8",
  quote: "M9 7H5v6h4V7c0 5-1 8-4 10M19 7h-4v6h4V7c0 5-1 8-4 10",
  codeBlock: "M4 5h16v14H4zM10 9l-3 3 3 3M14 9l3 3-3 3",
  table: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 5v14",
  rule: "M4 12h16M8 7h.01M12 7h.01M16 7h.01M8 17h.01M12 17h.01M16 17h.01",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 2.5-2.5L20 17M15.5 9h.01",
} as const;

export type IconName = keyof typeof PATHS;

/** A small drawing in the colour of the text around it. It is not read aloud. */
export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
