/**
 * The bar below the tracks: play, time, timeline, speed, idle, restart.
 */

import type { Chapter } from '../model/chapters';
import type { Recording } from '../model/recording';
import type { Transport } from '../model/transport';
import { clockText, h, icon } from './dom';
import { TimelineView } from './timeline-view';

export const SPEEDS = [0.5, 1, 1.5, 2, 4, 8];
export const DEFAULT_IDLE_S = 2;

const PLAY = 'M4 2.5v11l9.5-5.5z';
const PAUSE = 'M4 2.5h3v11H4zM9 2.5h3v11H9z';
const RESTART = 'M8 2.5a5.5 5.5 0 1 1-5.3 4h1.6A4 4 0 1 0 8 4v2.4L4.4 3.4 8 .4z';

export class Controls {
  readonly element = h('footer', { class: 'bar' });
  private readonly playButton = h('button', { class: 'play', type: 'button', 'data-testid': 'play' });
  private readonly time = h('span', { class: 'time', 'data-testid': 'time' });
  private readonly speed = h('select', { 'aria-label': 'Speed', title: 'Speed  (< and >)' });
  private readonly idle = h('button', { class: 'toggle', type: 'button', title: 'Pass quickly where nothing happens  (i)' }, 'Skip idle');
  private readonly live = h('button', { class: 'toggle live', type: 'button', 'data-testid': 'live' });
  private readonly timeline: TimelineView;

  constructor(
    private readonly recording: Recording,
    private readonly transport: Transport,
    private readonly idleLimit: number,
    stepper: HTMLElement
  ) {
    this.timeline = new TimelineView(recording, t => transport.seek(t));
    const restart = h('button', { class: 'quiet', type: 'button', title: 'Restart', 'aria-label': 'Restart' }, icon(RESTART));
    const left = h('div', { class: 'group' }, this.playButton, this.time, this.live);
    const right = h('div', { class: 'group' }, this.speed, this.idle, restart);
    this.element.append(left, stepper, this.timeline.element, right);
    this.fillSpeeds();
    this.playButton.addEventListener('click', () => transport.toggle());
    this.live.addEventListener('click', () => transport.follow());
    restart.addEventListener('click', () => transport.seek(0));
    this.speed.addEventListener('change', () => (transport.speed = Number(this.speed.value)));
    this.idle.addEventListener('click', () => this.toggleIdle());
  }

  focus(): void {
    this.playButton.focus();
  }

  /** The recording has grown. */
  grow(): void {
    this.timeline.grow();
  }

  show(chapter: Chapter | undefined): void {
    const { playing, currentTime, idle } = this.transport;
    const label = playing ? 'Pause' : 'Play';
    if (this.playButton.getAttribute('aria-label') !== label) {
      this.playButton.setAttribute('aria-label', label);
      this.playButton.title = `${label}  (space)`;
      this.playButton.replaceChildren(icon(playing ? PAUSE : PLAY));
    }
    this.time.textContent = `${clockText(currentTime)} / ${clockText(this.recording.duration)}`;
    this.showLive();
    this.speed.value = String(this.transport.speed);
    this.idle.setAttribute('aria-pressed', String(idle !== null));
    this.timeline.show(currentTime, chapter);
  }

  /** The next listed speed in a direction. */
  stepSpeed(direction: 1 | -1): void {
    const speeds = Array.from(this.speed.options, option => Number(option.value));
    const beyond = speeds.filter(speed => (speed - this.transport.speed) * direction > 0);
    this.transport.speed = (direction > 0 ? beyond[0] : beyond.at(-1)) ?? this.transport.speed;
  }

  private showLive(): void {
    const { live, following } = this.transport;
    const label = following ? 'Live' : 'Catch up';
    this.live.hidden = !live;
    this.live.setAttribute('aria-pressed', String(following));
    if (this.live.textContent !== label) {
      this.live.textContent = label;
      this.live.title = following ? 'What is recorded is shown as it comes' : 'Go to what is recorded now';
    }
  }

  toggleIdle(): void {
    this.transport.idle = this.transport.idle === null ? this.idleLimit : null;
  }

  private fillSpeeds(): void {
    const speeds = [...new Set([...SPEEDS, this.transport.speed])].sort((a, b) => a - b);
    this.speed.append(...speeds.map(speed => h('option', { value: String(speed) }, `${speed}×`)));
  }
}
