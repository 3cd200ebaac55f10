// Turns the slides: arrow keys, Page Up and Down, space, Home and End. The address keeps the place.

const slides = [...document.querySelectorAll('section')];

/** The slide that fills the window. */
function current() {
  const middle = window.innerHeight / 2;
  return Math.max(0, slides.findIndex((slide) => slide.getBoundingClientRect().bottom > middle));
}

function go(number) {
  const slide = slides[Math.min(Math.max(number, 0), slides.length - 1)];
  slide.scrollIntoView();
  history.replaceState(null, '', `#${slide.id}`);
}

const KEYS = {
  ArrowRight: () => current() + 1, ArrowDown: () => current() + 1, PageDown: () => current() + 1, ' ': () => current() + 1,
  ArrowLeft: () => current() - 1, ArrowUp: () => current() - 1, PageUp: () => current() - 1,
  Home: () => 0, End: () => slides.length - 1,
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  go(KEYS[event.key]());
});
