/**
 * Two buttons that step, and the choice of what they step by.
 */

import { STEPS, momentsOf } from '../model/steps';
import type { Step } from '../model/steps';
import type { Recording } from '../model/recording';
import { h, iconButton } from './dom';

const BACK = 'M11 2.5v11L4.5 8zM2.5 2.5H4v11H2.5z';
const ON = 'M5 2.5v11L11.5 8zM12 2.5h1.5v11H12z';

const NAMES: Record<Step, string> = { event: 'Event', cell: 'Cell', command: 'Command', message: 'Message', chapter: 'Chapter' };

export class Stepper {
  readonly element = h('div', { class: 'group stepper', role: 'group', 'aria-label': 'Step' });
  private readonly choice = h('select', { 'aria-label': 'Step by', title: 'What to step by' });
  private known = '';
  private picked = false;

  constructor(
    private readonly recording: Recording,
    step: (kind: Step, direction: 1 | -1) => void
  ) {
    const go = (direction: 1 | -1): void => step(this.choice.value as Step, direction);
    this.choice.addEventListener('change', () => (this.picked = true));
    this.element.append(iconButton('Step back', BACK, () => go(-1)), this.choice, iconButton('Step on', ON, () => go(1)));
    this.grow();
  }

  /** Offers what the recording has. */
  grow(): void {
    const kinds = STEPS.filter(step => step === 'event' || momentsOf(this.recording, step).length > 0);
    if (kinds.join() !== this.known) {
      const chosen = this.picked ? this.choice.value : kinds.includes('chapter') ? 'chapter' : 'event';
      this.known = kinds.join();
      this.choice.replaceChildren(...kinds.map(kind => h('option', { value: kind }, NAMES[kind])));
      this.choice.value = chosen;
    }
  }
}
