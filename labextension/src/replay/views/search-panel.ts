/**
 * Search within the recording: hits as a list, each a moment to jump to, marked in the tracks.
 */

import type { Recording } from '../model/recording';
import { searchLarge } from '../model/large-search';
import { LargeTerminal } from '../model/large-terminal';
import { MAX_HITS, SearchIndex, patternOf } from '../model/search';
import type { Hit } from '../model/search';
import { stepFrom } from '../model/steps';
import type { Transport } from '../model/transport';
import { h, iconButton } from './dom';
import type { Panel } from './drawer';
import type { Highlighter } from './highlight';
import { MomentList } from './list';
import type { Entry } from './list';

const UP = 'M8 4.6 2.6 10l1.1 1.1L8 6.8l4.3 4.3 1.1-1.1z';
const DOWN = 'M8 11.4 2.6 6l1.1-1.1L8 9.2l4.3-4.3L13.4 6z';

// A search goes over all text: not for each letter of a word that is typed quickly.
const TYPING_MS = 100;

// How often what is found meanwhile in a large terminal is listed.
const LISTED_EVERY_MS = 500;

interface HitEntry extends Entry {
  readonly hit: Hit;
}

export class SearchPanel implements Panel {
  readonly title = 'Search';
  readonly element = h('div', { class: 'panel', role: 'search' });
  private readonly input = h('input', { type: 'search', 'aria-label': 'Search the recording', placeholder: 'Chat, cells, terminals …', spellcheck: 'false' });
  private readonly count = h('p', { class: 'count', role: 'status' });
  private readonly list = new MomentList<HitEntry>('Hits', ({ hit }) => this.go(this.hits.indexOf(hit)));
  private index: SearchIndex | null = null;
  private hits: Hit[] = [];
  private at = -1;
  private timer: number | undefined;
  /** The search that counts: an older one that still reads gives up. */
  private round = 0;
  /** What a search still does; empty when it has done all. */
  private doing = '';

  /** @param reveal brings a track in sight */
  constructor(
    private readonly recording: Recording,
    private readonly transport: Transport,
    private readonly highlighter: Highlighter,
    private readonly reveal: (track: string) => void
  ) {
    const previous = iconButton('Previous hit  (Shift+Enter)', UP, () => this.step(-1));
    const next = iconButton('Next hit  (Enter)', DOWN, () => this.step(1));
    this.element.append(h('div', { class: 'field' }, this.input, previous, next), this.count, this.list.element);
    this.input.addEventListener('input', () => {
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => this.find(), TYPING_MS);
    });
    this.input.addEventListener('keydown', event => this.onKey(event));
  }

  focus(): void {
    this.input.focus();
    this.input.select();
    if (this.input.value !== '') {
      this.find();
    }
  }

  closed(): void {
    this.flush();
    this.highlighter.show(null);
    this.round += 1;
    // The text of a large recording is not kept for a search that may never come.
    this.index = null;
  }

  /** The hit after or before the last one; without one, from where playback stands. */
  step(direction: 1 | -1): void {
    this.flush();
    if (this.hits.length > 0) {
      const from = this.at >= 0 ? this.at + direction : this.near(direction);
      this.go((from + this.hits.length) % this.hits.length);
    }
  }

  private near(direction: 1 | -1): number {
    const t = stepFrom(this.hits.map(hit => hit.t), this.transport.currentTime - direction * 1e-6, direction);
    return t === undefined ? 0 : this.hits.findIndex(hit => hit.t === t);
  }

  private go(index: number): void {
    const hit = this.hits[index];
    if (hit !== undefined) {
      this.at = index;
      this.transport.pause();
      this.transport.seek(hit.t);
      this.reveal(hit.track);
      this.list.show(index);
      this.highlighter.show(patternOf(this.input.value), hit);
      this.tell();
    }
  }

  private flush(): void {
    if (this.timer !== undefined) {
      window.clearTimeout(this.timer);
      this.find();
    }
  }

  private find(): void {
    this.timer = undefined;
    this.index ??= new SearchIndex(this.recording);
    const pattern = patternOf(this.input.value);
    this.round += 1;
    this.doing = '';
    this.at = -1;
    this.fill(pattern === null ? [] : this.index.search(pattern));
    this.highlighter.show(pattern);
    if (pattern !== null) {
      void this.findInLarge(pattern, this.round);
    }
  }

  /** Terminals that are too large to be held are read once more for it. */
  private async findInLarge(pattern: RegExp, round: number): Promise<void> {
    const large = this.recording.terminals.filter((one): one is LargeTerminal => one instanceof LargeTerminal);
    let listed = performance.now();
    let fresh: Hit[] = [];
    const list = (): void => {
      listed = performance.now();
      this.fill([...this.hits, ...fresh].sort((a, b) => a.t - b.t));
      fresh = [];
    };
    try {
      for (const terminal of large) {
        for await (const { hits, share } of searchLarge(terminal, pattern)) {
          if (round !== this.round) {
            return;
          }
          fresh.push(...hits);
          this.doing = `searching ${terminal.track}, ${Math.floor(share * 100)} %`;
          if (performance.now() - listed > LISTED_EVERY_MS) {
            list();
          }
          if (this.hits.length >= MAX_HITS) {
            break;
          }
        }
      }
      this.doing = '';
    } catch (error) {
      this.doing = error instanceof Error ? error.message : String(error);
    }
    if (round === this.round && large.length > 0) {
      list();
    }
  }

  private fill(hits: Hit[]): void {
    const current = this.hits[this.at];
    this.hits = hits.slice(0, MAX_HITS);
    this.at = current === undefined ? -1 : this.hits.indexOf(current);
    this.list.fill(this.hits.map(hit => ({ t: hit.t, kind: hit.where, label: snippet(hit), hit })));
    this.list.show(this.at);
    this.tell();
  }

  private tell(): void {
    const all = this.hits.length === MAX_HITS ? `the first ${MAX_HITS}` : String(this.hits.length);
    const found = this.at >= 0 ? `${this.at + 1} of ${all}` : `${all} ${this.hits.length === 1 ? 'hit' : 'hits'}`;
    const so = this.hits.length > 0 ? found : this.doing === '' ? 'Nothing found' : 'Nothing found so far';
    this.count.textContent = patternOf(this.input.value) === null ? '' : [so, this.doing].filter(part => part !== '').join(' · ');
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === 'Enter') {
      event.preventDefault();
      this.step(event.shiftKey ? -1 : 1);
    } else if (event.key === 'ArrowDown') {
      event.preventDefault();
      this.list.focus();
    }
  }
}

function snippet({ before, match, after }: Hit): Node {
  const label = document.createDocumentFragment();
  label.append(before.slice(-24), h('mark', {}, match), after);
  return label;
}
