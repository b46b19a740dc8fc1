/**
 * Lets the keyboard reach what can be scrolled sideways, and only while it can.
 */

const observer = new ResizeObserver(entries => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth + 1) {
      target.setAttribute('tabindex', '0');
    } else {
      target.removeAttribute('tabindex');
    }
  }
});

/** Watches the code, tables and outputs within an element. */
export function reachable<T extends Element>(element: T): T {
  element.querySelectorAll('pre, table, .outputs').forEach(part => observer.observe(part));
  return element;
}
