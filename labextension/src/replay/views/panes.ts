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
  private readonly tabs = h('div', { class: 'tabs', role: 'tablist' });
  private readonly grid = h('div', { class: 'grid' });
  private readonly empty = h('p', { class: 'notice' }, 'Nothing was recorded.');
  private panes: Pane[] = [];
  private made = 0;

  constructor() {
    this.stage.append(this.empty, this.grid);
    this.element.append(this.tabs, this.stage);
    this.tabs.addEventListener('keydown', event => this.onTabKey(event));
  }

  /** Brings the panes in line with the tracks: those that are there stay, new ones come to their place. */
  update(shown: readonly Shown[]): void {
    if (this.panes.length > 0 && shown.length === this.panes.length && shown.every(({ view }, at) => view === this.panes[at]?.view)) {
      return;
    }
    this.panes = shown.map(one => this.panes.find(({ view }) => view === one.view) ?? this.make(one));
    this.tabs.replaceChildren(...this.panes.map(pane => pane.tab));
    this.tabs.hidden = this.panes.length < 2;
    this.grid.dataset.count = String(this.panes.length);
    this.place();
    this.empty.hidden = this.panes.length > 0;
    this.grid.hidden = this.panes.length === 0;
    if (this.panes[0] && !this.panes.some(pane => pane.element.classList.contains('chosen'))) {
      this.choose(this.panes[0]);
    }
    this.fit();
  }

  show(t: number): void {
    for (const { track, view, status } of this.panes) {
      view.show(t);
      status.textContent = t < track.begins ? `from ${clockText(track.begins)}` : view.status?.(t) ?? '';
    }
  }

  /** Brings a track in sight where only one is shown. */
  reveal(track: string): void {
    const pane = this.panes.find(one => one.track.id === track);
    if (pane !== undefined) {
      this.choose(pane);
    }
  }

  fit(): void {
    this.panes.forEach(pane => pane.view.fit?.());
  }

  /** Those that stay are not taken out for a moment: they would lose where they are scrolled to. */
  private place(): void {
    const wanted = this.panes.map(pane => pane.element);
    [...this.grid.children].filter(element => !wanted.includes(element as HTMLElement)).forEach(element => element.remove());
    wanted.forEach((element, at) => {
      if (this.grid.children[at] !== element) {
        this.grid.insertBefore(element, this.grid.children[at] ?? null);
      }
    });
  }

  private make(one: Shown): Pane {
    const pane = makePane(one, this.made);
    this.made += 1;
    pane.tab.addEventListener('click', () => this.choose(pane));
    return pane;
  }

  private onTabKey(event: KeyboardEvent): void {
    const at = this.panes.findIndex(({ tab }) => tab === event.target);
    const count = this.panes.length;
    const to = { ArrowLeft: at - 1 + count, ArrowRight: at + 1, Home: 0, End: count - 1 }[event.key];
    const pane = to === undefined || at < 0 ? undefined : this.panes[to % count];
    if (pane !== undefined) {
      event.preventDefault();
      this.choose(pane);
      pane.tab.focus();
    }
  }

  private choose(chosen: Pane): void {
    for (const pane of this.panes) {
      pane.tab.setAttribute('aria-selected', String(pane === chosen));
      pane.tab.tabIndex = pane === chosen ? 0 : -1;
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
