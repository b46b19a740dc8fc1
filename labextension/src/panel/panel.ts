/**
 * The Recordings panel: what is recorded now first, then all that was; search, filters, and what can be done with each.
 */

import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import type { Library } from '../library/library';
import { elapsedText, isCrashed, isLive } from '../library/recording';
import { fits, isAny } from '../library/shelf';
import type { Filter } from '../library/shelf';
import { h } from '../replay/views/dom';
import { headingRow, hitRow, moreRow, recordingRow } from './cards';
import type { Actions } from './cards';
import { Filters } from './filters';
import { Query } from './query';
import { RowList } from './row-list';
import type { Row } from './row-list';

export interface PanelActions extends Omit<Actions, 'more'> {
  recoverAll(): void;
  /** What a key on a recording does; true: it was taken. */
  key(id: string, event: KeyboardEvent, anchor: HTMLElement): boolean;
}

export class RecordingsPanel extends Widget {
  private readonly filters = new Filters(words => this.asked(words));
  private readonly query: Query;
  private readonly list: RowList;
  private readonly actions: Actions;
  private readonly problem = h('p', { class: 'jr-problem', role: 'status', hidden: '' });
  private readonly crashed = h('button', { type: 'button', class: 'jr-recover', hidden: '' });
  private readonly empty = h('p', { class: 'jr-empty', hidden: '' });
  private readonly count = h('p', { class: 'jr-count', role: 'status' });
  private clock: number | undefined;
  private stale = true;

  constructor(
    private readonly library: Library,
    actions: PanelActions
  ) {
    super();
    this.actions = { ...actions, more: () => void this.query.fetch() };
    this.query = new Query((words, limit, after) => library.client.search(words, limit, after), () => this.refresh());
    this.list = new RowList((key, event) => this.keyed(key, event, actions));
    this.crashed.addEventListener('click', () => actions.recoverAll());
    this.addClass('jr-panel');
    const heading = h('h2', { class: 'jr-title' }, 'Recordings');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'Recordings');
    this.node.append(heading, this.filters.element, this.problem, this.crashed, this.list.element, this.empty, this.count);
    library.changed.connect(this.refresh, this);
  }

  override dispose(): void {
    window.clearInterval(this.clock);
    super.dispose();
  }

  focusSearch(): void {
    this.filters.search.focus();
  }

  protected override onActivateRequest(): void {
    this.focusSearch();
  }

  protected override onAfterShow(_: Message): void {
    this.begin();
  }

  protected override onAfterAttach(_: Message): void {
    this.begin();
  }

  protected override onBeforeHide(_: Message): void {
    window.clearInterval(this.clock);
  }

  private begin(): void {
    window.clearInterval(this.clock);
    this.clock = window.setInterval(() => this.tick(), 1000);
    if (this.stale) {
      this.refresh();
    }
    this.tick();
  }

  /** Nothing is drawn while nobody sees it. */
  private refresh(): void {
    this.stale = !this.isVisible;
    if (this.stale) {
      return;
    }
    const { shelf, problem, loaded } = this.library;
    this.filters.offer(shelf.tags);
    tell(this.problem, problem);
    const crashed = shelf.all.filter(isCrashed).length;
    tell(this.crashed, crashed === 0 ? '' : `Recover ${crashed === 1 ? 'a recording that' : `${crashed} recordings that`} crashed`);
    this.list.update(this.rows());
    const nothing = shelf.size === 0 && loaded && this.filters.isEmpty;
    tell(this.empty, nothing ? 'Nothing is recorded yet. Press the record button of a terminal, or run "%record start" in a notebook.' : '');
    this.count.textContent = this.counted();
  }

  private rows(): Row[] {
    const { shelf } = this.library;
    const filter = this.filters.value;
    const recordings = shelf.fitting(filter).map(recording => recordingRow(recording, this.actions));
    if (filter.q === '') {
      return recordings;
    }
    const inside = this.query.hits.filter(({ recordingId }) => this.fits(recordingId, { ...filter, q: '' })).map((hit, index) => hitRow(hit, index, shelf.get(hit.recordingId), this.actions));
    return [
      ...(recordings.length > 0 ? [headingRow('By name'), ...recordings] : []),
      ...(inside.length > 0 ? [headingRow('Inside'), ...inside] : []),
      ...(this.query.hasMore ? [moreRow(this.query.total, this.actions)] : [])
    ];
  }

  /** What is not known yet may fit. */
  private fits(id: string, filter: Filter): boolean {
    const recording = this.library.shelf.get(id);
    return isAny(filter) || (recording !== undefined && fits(recording, filter));
  }

  private counted(): string {
    const { shelf } = this.library;
    const filter = this.filters.value;
    if (filter.q !== '') {
      if (this.query.problem !== '') {
        return this.query.problem;
      }
      return this.query.busy ? 'Searching …' : `${many(shelf.fitting(filter).length, 'recording')}, ${many(this.query.total, 'hit')} inside`;
    }
    const live = shelf.live.length;
    const shown = this.filters.isEmpty ? '' : `${shelf.fitting(filter).length.toLocaleString('en')} of `;
    return `${shown}${many(shelf.size, 'recording')}${live > 0 ? `, ${live} being recorded` : ''}`;
  }

  private asked(words: boolean): void {
    if (words) {
      this.query.ask(this.filters.value.q);
    }
    this.list.scrollToTop();
    this.refresh();
  }

  private keyed(key: string, event: KeyboardEvent, actions: PanelActions): boolean {
    const [kind, id] = [key.slice(0, key.indexOf(':')), key.slice(key.indexOf(':') + 1)];
    const anchor = this.list.elementOf(key);
    return kind === 'recording' && anchor !== undefined && actions.key(id, event, anchor);
  }

  private tick(): void {
    if (!this.library.shelf.all[0] || !isLive(this.library.shelf.all[0])) {
      return;
    }
    for (const element of this.list.element.querySelectorAll<HTMLElement>('.jr-elapsed')) {
      element.textContent = elapsedText(Date.now() - Number(element.dataset.started));
    }
  }
}

function tell(element: HTMLElement, text: string): void {
  if (element.textContent !== text) {
    element.textContent = text;
  }
  element.hidden = text === '';
}

function many(count: number, what: string): string {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
}
