// Small helpers for elements.

export const $ = (id) => document.getElementById(id);

// An element with properties and children; texts are always text, never markup.
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function dot(colour, round = false) {
  const element = make("span", { className: round ? "dot round" : "dot" });
  element.style.background = colour;
  return element;
}
