/**
 * The slider: where playback stands, where something happened, and the chapters.
 */

import type { Chapter } from '../model/chapters';
import type { Recording } from '../model/recording';
import { clockText, h } from './dom';

const BUCKETS = 240;
// No timeline is so wide that more places could be told apart.
const TICK_PLACES = 1000;
const NEAR_PX = 6;

export class TimelineView {
  readonly element = h('div', {
    class: 'timeline',
    role: 'slider',
    tabindex: '0',
    'aria-label': 'Position in the recording',
    'aria-valuemin': '0'
  });
  private readonly tip = h('div', { class: 'tip', hidden: '' });

  constructor(
    private readonly recording: Recording,
    private readonly seek: (t: number) => void
  ) {
    this.grow();
    this.listen();
  }

  /** Draws what there is, again after the recording has grown. */
  grow(): void {
    this.element.setAttribute('aria-valuemax', this.recording.duration.toFixed(1));
    this.element.replaceChildren(
      activityOf(this.recording, 'activity'),
      activityOf(this.recording, 'activity played'),
      h('div', { class: 'rail' }, h('div', { class: 'done' })),
      this.ticks(),
      h('div', { class: 'thumb' }),
      this.tip
    );
  }

  show(t: number, chapter: Chapter | undefined): void {
    this.element.style.setProperty('--at', `${this.share(t) * 100}%`);
    this.element.setAttribute('aria-valuenow', t.toFixed(1));
    const text = `${clockText(t)} of ${clockText(this.recording.duration)}`;
    this.element.setAttribute('aria-valuetext', chapter ? `${text}, ${chapter.label}` : text);
  }

  private share(t: number): number {
    return this.recording.duration > 0 ? t / this.recording.duration : 0;
  }

  /** One for all chapters of a kind that stand at one place: there may be any number of them. */
  private ticks(): DocumentFragment {
    const ticks = document.createDocumentFragment();
    const last = new Map<string, number>();
    for (const { t, kind } of this.recording.chapters) {
      const place = Math.floor(this.share(t) * TICK_PLACES);
      if (last.get(kind) !== place) {
        last.set(kind, place);
        const tick = h('i', { class: 'tick', 'data-kind': kind });
        tick.style.left = `${this.share(t) * 100}%`;
        ticks.append(tick);
      }
    }
    return ticks;
  }

  private listen(): void {
    this.element.addEventListener('pointerdown', event => {
      this.element.setPointerCapture(event.pointerId);
      this.seek(this.timeAt(event));
    });
    this.element.addEventListener('pointermove', event => {
      if (this.element.hasPointerCapture(event.pointerId)) {
        this.seek(this.timeAt(event));
      }
      this.showTip(event);
    });
    this.element.addEventListener('pointerleave', () => {
      this.tip.hidden = true;
    });
  }

  private timeAt(event: PointerEvent): number {
    const { left, width } = this.element.getBoundingClientRect();
    return this.clamp((event.clientX - left) / width) * this.recording.duration;
  }

  private clamp(share: number): number {
    return Math.min(1, Math.max(0, share));
  }

  private showTip(event: PointerEvent): void {
    const { left, width } = this.element.getBoundingClientRect();
    const t = this.timeAt(event);
    const near = (NEAR_PX / width) * this.recording.duration;
    const chapter = this.recording.chapters
      .filter(one => Math.abs(one.t - t) <= near)
      .sort((a, b) => Math.abs(a.t - t) - Math.abs(b.t - t))[0];
    this.tip.textContent = chapter ? `${clockText(chapter.t)} · ${chapter.label}` : clockText(t);
    this.tip.hidden = false;
    const half = this.tip.offsetWidth / 2;
    this.tip.style.left = `${Math.min(width - half, Math.max(half, event.clientX - left))}px`;
  }
}

/** Bars as high as there were events, by logarithm: a burst must not flatten the rest. */
function activityOf({ activity, duration }: Recording, className: string): SVGSVGElement {
  const counts = new Array<number>(BUCKETS).fill(0);
  for (const t of activity) {
    const bucket = duration > 0 ? Math.min(BUCKETS - 1, Math.floor((t / duration) * BUCKETS)) : 0;
    counts[bucket]! += 1;
  }
  const highest = Math.log1p(counts.reduce((a, b) => Math.max(a, b), 1));
  const bars = counts.map((count, at) => {
    const height = Math.round((Math.log1p(count) / highest) * 100);
    return height === 0 ? '' : `M${at} 100v-${height}h.7v${height}z`;
  });
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', className);
  svg.setAttribute('viewBox', `0 0 ${BUCKETS} 100`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', bars.join(''));
  svg.append(path);
  return svg;
}
