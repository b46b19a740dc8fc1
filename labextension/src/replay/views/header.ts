/**
 * The line above the tracks: what this is a recording of, and what is to be known of it.
 */

import type { Recording } from '../model/recording';
import { h } from './dom';

const STATES: Record<string, string> = {
  recording: 'still recording',
  interrupted: 'interrupted',
  recovered: 'recovered'
};

export function headerOf(recording: Recording, now: HTMLElement): HTMLElement {
  const { title, kind, state, damaged } = recording;
  const header = h('header', { class: 'head' }, h('span', { class: 'dot' }), h('h1', { title }, title));
  if (kind !== '') {
    header.append(h('span', { class: 'chip' }, kind));
  }
  if (state !== 'completed') {
    header.append(h('span', { class: `chip state ${STATES[state] ? state : ''}` }, STATES[state] ?? state));
  }
  if (damaged > 0) {
    header.append(h('span', { class: 'quiet' }, `${damaged} damaged ${damaged === 1 ? 'line' : 'lines'} skipped`));
  }
  header.append(now);
  return header;
}
