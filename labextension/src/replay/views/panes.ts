/**
 * The tracks: side by side where there is room, else one at a time behind tabs.
 */

import type { Track } from '../model/tracks';
import { clockText, h } from './dom';
import type { View } from './view';

export interface Shown {
  readonly track: Track;
  readonly view: View;
}

interface Pane extends Shown {
  readonly element: HTMLElement;
  readonly tab: HTMLButtonElement;
  readonly status: HTMLElement;
}

export class Panes {
  readonly element = h('div', { class: 'tracks' });
  /** Where the tracks are, without their tabs. */
  readonly stage = h('div', { class: 'stage' });
  private readonly panes: Pane[];

  constructor(shown: readonly Shown[]) {
    this.panes = shown.map((one, index) => makePane(one, index));
    const tabs = h('div', { class: 'tabs', role: 'tablist' }, ...this.panes.map(pane => pane.tab));
    tabs.hidden = this.panes.length < 2;
    const grid = h('div', { class: 'grid', 'data-count': String(this.panes.length) });
    grid.append(...this.panes.map(pane => pane.element));
    this.stage.append(this.panes.length ? grid : h('p', { class: 'notice' }, 'Nothing was recorded.'));
    this.element.append(tabs, this.stage);
    this.panes.forEach(pane => pane.tab.addEventListener('click', () => this.choose(pane)));
    if (this.panes[0]) {
      this.choose(this.panes[0]);
    }
  }

  show(t: number): void {
    for (const { track, view, status } of this.panes) {
      view.show(t);
      status.textContent = t < track.begins ? `from ${clockText(track.begins)}` : view.status?.(t) ?? '';
    }
  }

  fit(): void {
    this.panes.forEach(pane => pane.view.fit?.());
  }

  private choose(chosen: Pane): void {
    for (const pane of this.panes) {
      pane.tab.setAttribute('aria-selected', String(pane === chosen));
      pane.element.classList.toggle('chosen', pane === chosen);
    }
  }
}

function makePane({ track, view }: Shown, index: number): Pane {
  const status = h('span', { class: 'status' });
  const heading = h('h2', {}, track.label, status);
  const element = h('section', { class: `pane ${track.kind}-pane`, id: `pane-${index}`, 'data-track': track.id });
  element.setAttribute('aria-label', track.label);
  element.append(heading, view.element);
  const tab = h('button', { type: 'button', role: 'tab', 'aria-controls': element.id }, track.label);
  return { track, view, element, tab, status };
}
