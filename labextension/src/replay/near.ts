/**
 * Waits until an element is about to be seen: a notebook of twenty replays starts those that its reader comes to.
 */

const MARGIN = '300px 0px';

/** Calls `begin` once, when the element is in sight or nearly so; returns what ends the waiting. */
export function whenNear(element: Element, begin: () => void): () => void {
  const observer = new IntersectionObserver(
    entries => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) {
        observer.disconnect();
        begin();
      }
    },
    // A notebook scrolls within the page, where the root's margin does not reach.
    { rootMargin: MARGIN, scrollMargin: MARGIN } as IntersectionObserverInit
  );
  observer.observe(element);
  return () => observer.disconnect();
}
