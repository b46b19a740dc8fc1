/**
 * The body of a dialog in which a recording's name, title and tags are changed.
 */

import { Widget } from '@lumino/widgets';

import type { Labels } from '../library/client';
import type { Recording } from '../library/recording';
import { h } from '../replay/views/dom';

export class LabelForm extends Widget {
  private readonly name = h('input', { type: 'text', class: 'jp-mod-styled' });
  private readonly label = h('input', { type: 'text', class: 'jp-mod-styled' });
  private readonly tags = h('textarea', { rows: '3', class: 'jp-mod-styled' });

  constructor(private readonly recording: Recording) {
    super();
    this.addClass('jr-form');
    this.name.value = recording.name;
    this.label.value = recording.title;
    this.tags.value = recording.tags.join('\n');
    this.node.append(
      field('Name', 'what %record replay and the command line call it', this.name),
      field('Title', 'shown instead of the name, if there is one', this.label),
      field('Tags', 'one a line', this.tags)
    );
  }

  /** What was changed, and nothing else. */
  getValue(): Labels {
    const { name, title, tags } = this.recording;
    const wanted = this.tags.value;
    return {
      ...(this.name.value.trim() !== '' && this.name.value !== name && { name: this.name.value.trim() }),
      ...(this.label.value !== title && { title: this.label.value.trim() }),
      ...(wanted !== tags.join('\n') && { tags: wanted.split('\n').map(tag => tag.trim()).filter(tag => tag !== '') })
    };
  }
}

function field(label: string, help: string, input: HTMLElement): HTMLElement {
  const id = `jr-field-${label.toLowerCase()}`;
  input.id = id;
  input.setAttribute('aria-describedby', `${id}-help`);
  return h(
    'div',
    { class: 'jr-field' },
    h('label', { class: 'jr-label', for: id }, label),
    h('span', { class: 'jr-help', id: `${id}-help` }, help),
    input
  );
}
