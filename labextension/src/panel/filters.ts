/**
 * What the panel is asked for: words, kind, state, tag.
 */

import { isAny } from '../library/shelf';
import type { Filter } from '../library/shelf';
import { h } from '../replay/views/dom';
import { short } from './cards';

const KINDS: readonly (readonly [string, string])[] = [
  ['', 'Kind'],
  ['notebook', 'Notebooks'],
  ['terminal', 'Terminals'],
  ['chat', 'Chats']
];

const STATES: readonly (readonly [string, string])[] = [
  ['', 'State'],
  ['recording', 'Being recorded'],
  ['completed', 'Completed'],
  ['interrupted', 'Interrupted'],
  ['recovered', 'Recovered']
];

export class Filters {
  readonly search = h('input', { type: 'search', class: 'jr-search', placeholder: 'Search in all recordings', 'aria-label': 'Search in all recordings' });
  private readonly kind = select('Kind', KINDS);
  private readonly state = select('State', STATES);
  private readonly tag = select('Tag', [['', 'Tag']]);
  readonly element = h('div', { class: 'jr-filters' }, this.search, h('div', { class: 'jr-selects' }, this.kind, this.state, this.tag));
  private tags = '';

  /** @param changed called after each change; `words` tells whether they have changed */
  constructor(changed: (words: boolean) => void) {
    this.search.addEventListener('input', () => changed(true));
    [this.kind, this.state, this.tag].forEach(one => one.addEventListener('change', () => changed(false)));
  }

  get value(): Filter {
    return { q: this.search.value.trim(), kind: this.kind.value, state: this.state.value, tag: this.tag.value };
  }

  get isEmpty(): boolean {
    return isAny(this.value);
  }

  offer(tags: readonly string[]): void {
    const all = JSON.stringify(tags);
    if (all === this.tags) {
      return;
    }
    this.tags = all;
    const { value } = this.tag;
    this.tag.replaceChildren(option('', 'Tag'), ...tags.map(tag => option(tag, short(tag, 40))));
    this.tag.value = tags.includes(value) ? value : '';
    this.tag.hidden = tags.length === 0;
  }
}

function select(label: string, choices: readonly (readonly [string, string])[]): HTMLSelectElement {
  const element = h('select', { 'aria-label': label, class: 'jr-select' });
  element.append(...choices.map(([value, text]) => option(value, text)));
  return element;
}

function option(value: string, text: string): HTMLOptionElement {
  return h('option', { value }, text);
}
