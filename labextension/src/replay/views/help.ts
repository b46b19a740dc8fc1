/**
 * The sheet that tells what each key does.
 */

import { BINDINGS } from '../keys';
import { h, iconButton } from './dom';

const CLOSE = 'M3.5 2.4 8 6.9l4.5-4.5 1.1 1.1L9.1 8l4.5 4.5-1.1 1.1L8 9.1l-4.5 4.5-1.1-1.1L6.9 8 2.4 3.5z';

export class Help {
  readonly element = h('dialog', { class: 'help', 'aria-label': 'Keyboard' });

  constructor() {
    const rows = BINDINGS.flatMap(({ shown, does }) => [
      h('dt', {}, ...shown.map(key => h('kbd', {}, key))),
      h('dd', {}, does)
    ]);
    const close = iconButton('Close  (Esc)', CLOSE, () => this.element.close());
    const list = h('dl', { tabindex: '0', 'aria-label': 'Keys' }, ...rows);
    this.element.append(h('header', {}, h('h2', {}, 'Keyboard'), close), list);
    this.element.addEventListener('click', event => event.target === this.element && this.element.close());
  }

  open(): void {
    this.element.showModal();
  }
}
