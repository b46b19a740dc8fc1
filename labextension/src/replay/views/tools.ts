/**
 * The buttons at the top: chapters, search, link, keystrokes, help.
 */

import type { Actions } from '../keys';
import { h, iconButton } from './dom';

const CHAPTERS = 'M2 3.2h2v1.6H2zM6 3.2h8v1.6H6zM2 7.2h2v1.6H2zM6 7.2h8v1.6H6zM2 11.2h2v1.6H2zM6 11.2h8v1.6H6z';
const SEARCH = 'M7 2a5 5 0 0 1 4 8l3.4 3.3-1.1 1.1L10 11a5 5 0 1 1-3-9zm0 1.6a3.4 3.4 0 1 0 0 6.8 3.4 3.4 0 0 0 0-6.8z';
const LINK =
  'M6.8 9.2a2.9 2.9 0 0 1 0-4.1l2-2a2.9 2.9 0 0 1 4.1 4.1l-1.3 1.3-1-1 1.3-1.3a1.5 1.5 0 0 0-2.1-2.1l-2 2a1.5 1.5 0 0 0 0 2.1zm2.4-2.4a2.9 2.9 0 0 1 0 4.1l-2 2a2.9 2.9 0 0 1-4.1-4.1l1.3-1.3 1 1-1.3 1.3a1.5 1.5 0 0 0 2.1 2.1l2-2a1.5 1.5 0 0 0 0-2.1z';
const KEYS = 'M1.5 3.5h13v9h-13zM3 5v6h10V5zM4 6h1.4v1.4H4zm2.4 0h1.4v1.4H6.4zm2.4 0h1.4v1.4H8.8zM11 6h1v1.4h-1zM5 8.6h6V10H5z';
const HELP =
  'M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3zm-.7 7.4h1.4v1.4H7.3zM8 4.2c1.4 0 2.4.9 2.4 2.1 0 1.5-1.6 1.7-1.6 3H7.3c0-2 1.6-2.1 1.6-3 0-.4-.4-.7-.9-.7s-.9.3-.9.9H5.6c0-1.4 1-2.3 2.4-2.3z';

export class Tools {
  readonly element = h('div', { class: 'tools', role: 'toolbar', 'aria-label': 'Recording' });
  private readonly chapters: HTMLButtonElement;
  private readonly search: HTMLButtonElement;
  private readonly link: HTMLButtonElement;
  private readonly keys: HTMLButtonElement;

  constructor(actions: Actions) {
    this.chapters = iconButton('Chapters  (o)', CHAPTERS, () => actions.chapters());
    this.search = iconButton('Search  (/)', SEARCH, () => actions.search());
    this.link = iconButton('Copy a link to this moment  (l)', LINK, () => actions.link());
    this.keys = iconButton('Keys that were typed  (k)', KEYS, () => actions.keystrokes());
    this.element.append(this.chapters, this.search, this.keys, this.link, iconButton('Keyboard help  (?)', HELP, () => actions.help()));
  }

  show(open: { chapters: boolean; search: boolean; keystrokes: boolean | null; link: boolean }): void {
    this.chapters.setAttribute('aria-expanded', String(open.chapters));
    this.search.setAttribute('aria-expanded', String(open.search));
    this.keys.hidden = open.keystrokes === null;
    this.keys.setAttribute('aria-pressed', String(open.keystrokes));
    this.link.hidden = !open.link;
  }
}
