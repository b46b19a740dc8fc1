/**
 * Marks what is searched for in what is shown, without touching its elements (CSS Custom Highlight API).
 */

const ALL = 'search';
const CURRENT = 'search-hit';

// A screen of hits: more would cost more than anyone sees.
const MOST = 2000;

export class Highlighter {
  private pattern: RegExp | null = null;
  private track: string | null = null;
  private frame = 0;
  private readonly watch = new MutationObserver(() => this.later());

  constructor(private readonly root: HTMLElement) {}

  /** Marks the matches of a pattern, one of them as the hit; null marks nothing. */
  show(pattern: RegExp | null, hit: { readonly track: string } | null = null): void {
    this.pattern = pattern;
    this.track = hit?.track ?? null;
    this.watch.disconnect();
    if (pattern === null) {
      this.clear();
      return;
    }
    this.watch.observe(this.root, { childList: true, subtree: true, characterData: true });
    this.later();
  }

  private clear(): void {
    CSS.highlights?.delete(ALL);
    CSS.highlights?.delete(CURRENT);
  }

  private later(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.mark());
  }

  private mark(): void {
    this.clear();
    if (this.pattern === null || CSS.highlights === undefined) {
      return;
    }
    const ranges = Array.from(this.root.querySelectorAll<HTMLElement>('[data-track]')).flatMap(pane => {
      const found = rangesIn(pane, this.pattern!);
      // What came last is the hit: at its moment nothing after it is there yet.
      return found.map((range, at) => ({ range, hit: pane.dataset.track === this.track && at === found.length - 1 }));
    });
    CSS.highlights.set(ALL, new Highlight(...ranges.filter(({ hit }) => !hit).map(({ range }) => range)));
    CSS.highlights.set(CURRENT, new Highlight(...ranges.filter(({ hit }) => hit).map(({ range }) => range)));
  }
}

/** The ranges of a pattern in an element's text, also across the elements that style it. */
function rangesIn(element: HTMLElement, pattern: RegExp): Range[] {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT, node =>
    node.parentElement?.closest('style, script, h2') ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT
  );
  const nodes: { node: Text; start: number }[] = [];
  let all = '';
  while (walker.nextNode()) {
    const node = walker.currentNode as Text;
    nodes.push({ node, start: all.length });
    all += node.data;
  }
  const ranges: Range[] = [];
  let first = 0;
  for (const { 0: match, index } of all.matchAll(pattern)) {
    while (first + 1 < nodes.length && nodes[first + 1]!.start <= index) {
      first += 1;
    }
    let last = first;
    while (last + 1 < nodes.length && nodes[last + 1]!.start < index + match.length) {
      last += 1;
    }
    const range = document.createRange();
    range.setStart(nodes[first]!.node, index - nodes[first]!.start);
    range.setEnd(nodes[last]!.node, index + match.length - nodes[last]!.start);
    ranges.push(range);
    if (ranges.length === MOST) {
      break;
    }
  }
  return ranges;
}
