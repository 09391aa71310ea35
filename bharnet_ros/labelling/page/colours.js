// Colours that stay the same for a class and for a person.

// Told apart by colour-blind eyes, too (Okabe and Ito); the same as in the annotated images.
const PEOPLE = ["#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00"];
export const LEFT_HAND = "#5adc5a";
export const RIGHT_HAND = "#ff5a5a";

export function personColour(person) {
  return person === null ? "#9aa4b2" : PEOPLE[person % PEOPLE.length];
}

// Neighbours in the list of classes lie far apart on the circle of hues.
export function classColour(index) {
  if (index < 0) return "hsl(0 0% 60%)";
  return `hsl(${Math.round((index * 137.508 + 200) % 360)} 66% ${index % 2 ? 66 : 74}%)`;
}

export function personName(person) {
  return person === null ? "anybody" : `person ${person}`;
}
