/**
 * A status-bar item: how many recordings run, and whether all of them are safe. One that is not is said aloud, too.
 */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { IStatusBar } from '@jupyterlab/statusbar';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';

import type { Library } from '../library/library';
import { failureOf } from '../library/recording';
import { h } from '../replay/views/dom';
import { CommandIDs, ILibrary } from './tokens';

class StatusItem extends Widget {
  readonly activeChanged = new Signal<this, void>(this);
  private readonly button = h('button', { type: 'button', class: 'jr-status' });
  private readonly words = h('span');
  private active = false;

  constructor(click: () => void) {
    super();
    this.button.append(h('span', { class: 'jr-dot' }), this.words);
    this.button.addEventListener('click', click);
    this.node.append(this.button);
  }

  get isActive(): boolean {
    return this.active;
  }

  tell(live: number, failing: readonly string[]): void {
    this.button.dataset.health = failing.length > 0 ? 'failing' : 'safe';
    this.words.textContent = failing.length > 0 ? `NOT SAFE: ${failing.length} of ${live} recording${live === 1 ? '' : 's'}` : `${live} recording`;
    this.button.title = failing.length > 0 ? failing.join('\n') : `${live === 1 ? 'One recording runs, and is' : `${live} recordings run, all`} safe on the disk`;
    this.button.setAttribute('aria-label', `${this.words.textContent}: show recordings`);
    if (this.active !== live > 0) {
      this.active = live > 0;
      this.activeChanged.emit();
    }
  }
}

/** Says once of each recording that it is not safe, until it is safe again or has ended. */
class Alarm {
  private readonly told = new Map<string, string>();

  ring(failing: ReadonlyMap<string, string>): void {
    for (const [id, why] of failing) {
      if (!this.told.has(id)) {
        this.told.set(id, Notification.error(`The recording ${id} is NOT SAFE: ${why}`, { autoClose: false }));
      }
    }
    for (const [id, notification] of this.told) {
      if (!failing.has(id)) {
        Notification.dismiss(notification);
        this.told.delete(id);
      }
    }
  }
}

export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-recorder:status',
  description: 'Shows how many recordings run, and whether they are safe.',
  autoStart: true,
  requires: [ILibrary],
  optional: [IStatusBar],
  activate: (app: JupyterFrontEnd, library: Library, bar: IStatusBar | null) => {
    const item = new StatusItem(() => void app.commands.execute(CommandIDs.showPanel));
    const alarm = new Alarm();
    library.changed.connect(() => {
      const { live } = library.shelf;
      const failing = new Map(live.filter(one => failureOf(one) !== '').map(one => [one.id, failureOf(one)]));
      item.tell(live.length, [...failing].map(([id, why]) => `${id}: ${why}`));
      alarm.ring(failing);
    });
    bar?.registerStatusItem('jupyter-recorder:status', {
      item,
      align: 'left',
      rank: 50,
      isActive: () => item.isActive,
      activeStateChanged: item.activeChanged
    });
  }
};
