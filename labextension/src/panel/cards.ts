/**
 * The panel's rows: a recording, a place where something was found, a heading. What was recorded only enters as text.
 */

import { clockText, h, icon } from '../replay/views/dom';
import type { Hit } from '../library/client';
import { contentsText, elapsedText, failureOf, isCrashed, isLive, safetyText, shownName, stateText } from '../library/recording';
import type { Kind, Recording } from '../library/recording';
import { dragFrom } from './drag';
import type { Row } from './row-list';

export interface Actions {
  open(recording: Recording): void;
  openAt(hit: Hit): void;
  menu(recording: Recording, anchor: HTMLElement): void;
  more(): void;
}

const KIND_ICONS: Readonly<Record<Kind, string>> = {
  notebook: 'M3 1.5h9.5v13H3zM5 1.5v13M7 5h3.5M7 7.5h3.5',
  terminal: 'M1.5 2.5h13v11h-13zM4 6l2.5 2L4 10M8 10.5h4',
  chat: 'M1.5 2.5h13v8.5H7l-3.5 3v-3h-2z'
};

const MORE_ICON = 'M3 8h.01M8 8h.01M13 8h.01';

// What went wrong has three lines.
const HEIGHTS = { live: 72, failing: 108, ended: 54, hit: 54, heading: 30, more: 34 };

export function recordingRow(recording: Recording, actions: Actions): Row {
  return {
    key: `recording:${recording.id}`,
    height: failureOf(recording) !== '' ? HEIGHTS.failing : isLive(recording) ? HEIGHTS.live : HEIGHTS.ended,
    version: recording,
    render: () => recordingCard(recording, actions)
  };
}

export function hitRow(hit: Hit, index: number, recording: Recording | undefined, actions: Actions): Row {
  return {
    key: `hit:${index}:${hit.recordingId}:${hit.track}:${hit.at}`,
    height: HEIGHTS.hit,
    version: recording,
    render: () => hitCard(hit, recording, actions)
  };
}

export function headingRow(text: string): Row {
  return { key: `heading:${text}`, height: HEIGHTS.heading, version: text, inert: true, render: () => h('div', { class: 'jr-heading' }, text) };
}

export function moreRow(left: number, actions: Actions): Row {
  return {
    key: 'more',
    height: HEIGHTS.more,
    version: left,
    render: () => {
      const button = h('button', { type: 'button', class: 'jr-link' }, `Show more of ${left.toLocaleString('en')}`);
      button.addEventListener('click', () => actions.more());
      return h('div', { class: 'jr-more-hits' }, button);
    }
  };
}

function recordingCard(recording: Recording, actions: Actions): HTMLElement {
  const open = h('button', { type: 'button', class: 'jr-open', title: tooltip(recording) });
  open.append(...lines(recording));
  open.addEventListener('click', () => actions.open(recording));
  dragFrom(open, recording.id, short(shownName(recording), 40));
  const more = h('button', { type: 'button', class: 'jr-menu', 'aria-haspopup': 'menu', 'aria-label': `Actions for ${short(shownName(recording))}` });
  more.append(icon(MORE_ICON));
  more.addEventListener('click', () => actions.menu(recording, more));
  const state = failureOf(recording) !== '' ? 'failing' : isCrashed(recording) ? 'crashed' : recording.state;
  const card = h('div', { class: 'jr-recording', 'data-state': state, 'data-id': recording.id }, open, more);
  card.addEventListener('contextmenu', event => {
    event.preventDefault();
    event.stopPropagation();
    actions.menu(recording, more);
  });
  return card;
}

function lines(recording: Recording): HTMLElement[] {
  const live = isLive(recording);
  const first = h('span', { class: 'jr-first' }, live ? h('span', { class: 'jr-dot' }) : kindIcon(recording.kind));
  first.append(h('span', { class: 'jr-name', dir: 'auto' }, short(shownName(recording))), time(recording));
  const facts = [recording.kind, live ? '' : stateText(recording), contentsText(recording.counts)].filter(fact => fact !== '');
  const second = h('span', { class: 'jr-second' }, h('span', { class: 'jr-facts' }, facts.join(' · ')));
  second.append(...recording.tags.slice(0, 5).map(tag => h('span', { class: 'jr-tag', dir: 'auto' }, short(tag, 40))));
  return live ? [first, second, safety(recording)] : [first, second];
}

function safety(recording: Recording): HTMLElement {
  const failing = failureOf(recording) !== '';
  const mark = icon(failing ? 'M8 1.5l7 13H1zM8 6v4M8 12.2v.3' : 'M2.5 8.5l4 4 7-9');
  return h('span', { class: 'jr-safe', 'data-safe': String(!failing) }, mark, h('span', {}, safetyText(recording)));
}

function time(recording: Recording): HTMLElement {
  if (isLive(recording)) {
    return h('span', { class: 'jr-time jr-elapsed', 'data-started': String(recording.startedAt) }, elapsedText(Date.now() - recording.startedAt));
  }
  return h('span', { class: 'jr-time' }, day(recording.startedAt));
}

function hitCard(hit: Hit, recording: Recording | undefined, actions: Actions): HTMLElement {
  const open = h('button', { type: 'button', class: 'jr-open jr-hit' });
  const name = recording === undefined ? hit.recordingId : shownName(recording);
  const at = recording === undefined ? '' : clockText(Math.max(0, hit.at - recording.startedAt) / 1000);
  const first = h('span', { class: 'jr-first' }, kindIcon(kindOf(hit.track)), h('span', { class: 'jr-snippet', dir: 'auto' }, hit.snippet));
  const second = h('span', { class: 'jr-second' }, h('span', { class: 'jr-facts', dir: 'auto' }, short(name)), h('span', { class: 'jr-time' }, at));
  open.append(first, second);
  open.addEventListener('click', () => actions.openAt(hit));
  return h('div', { class: 'jr-found' }, open);
}

function kindOf(track: string): Kind {
  return track === 'chat' ? 'chat' : track.startsWith('terminal') ? 'terminal' : 'notebook';
}

function kindIcon(kind: Kind): SVGSVGElement {
  const drawn = icon(KIND_ICONS[kind]);
  drawn.classList.add('jr-kind');
  return drawn;
}

function tooltip(recording: Recording): string {
  const { name, id, startedAt, endedAt, tags } = recording;
  const length = endedAt === null ? '' : `, ${elapsedText(endedAt - startedAt)} long`;
  const facts = [short(shownName(recording)), short(name) === id ? id : `${short(name)} (${id})`, `${new Date(startedAt).toLocaleString()}${length}`];
  return [...facts, ...(tags.length > 0 ? [`tags: ${tags.map(tag => short(tag, 40)).join(', ')}`] : []), failureOf(recording)].filter(Boolean).join('\n');
}

/** Today's by the clock, older ones by the date. */
function day(at: number): string {
  const date = new Date(at);
  const today = new Date();
  const time = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  if (date.toDateString() === today.toDateString()) {
    return time;
  }
  const year = date.getFullYear() === today.getFullYear() ? {} : ({ year: 'numeric' } as const);
  return date.toLocaleDateString([], { day: 'numeric', month: 'short', ...year });
}

/** A name may be of any length. */
export function short(name: string, most = 120): string {
  return name.length <= most ? name : `${name.slice(0, most)}…`;
}
