/**
 * The room beside the tracks for one panel at a time: chapters or search.
 */

import { h, iconButton } from './dom';

export interface Panel {
  readonly title: string;
  readonly element: HTMLElement;
  /** It is opened, or asked for again. */
  focus(): void;
  closed?(): void;
}

const CLOSE = 'M3.5 2.4 8 6.9l4.5-4.5 1.1 1.1L9.1 8l4.5 4.5-1.1 1.1L8 9.1l-4.5 4.5-1.1-1.1L6.9 8 2.4 3.5z';

export class Drawer {
  readonly element = h('aside', { class: 'drawer', hidden: '' });
  private panel: Panel | null = null;
  private opener: HTMLElement | null = null;

  /** @param changed a panel was opened or closed */
  constructor(private readonly changed: () => void) {}

  get open(): Panel | null {
    return this.panel;
  }

  toggle(panel: Panel): void {
    if (this.panel === panel) {
      this.close();
    } else {
      this.show(panel);
    }
  }

  show(panel: Panel): void {
    if (this.panel !== panel) {
      this.opener = this.element.contains(document.activeElement) ? this.opener : (document.activeElement as HTMLElement | null);
      this.panel?.closed?.();
      this.panel = panel;
      const close = iconButton('Close  (Esc)', CLOSE, () => this.close());
      this.element.replaceChildren(h('header', {}, h('h2', {}, panel.title), close), panel.element);
      this.element.setAttribute('aria-label', panel.title);
      this.element.hidden = false;
      this.changed();
    }
    panel.focus();
  }

  /** The focus goes back to where it was. */
  close(): void {
    const panel = this.panel;
    if (panel === null) {
      return;
    }
    this.panel = null;
    this.element.hidden = true;
    panel.closed?.();
    this.changed();
    if (this.opener?.isConnected) {
      this.opener.focus();
    }
  }
}
