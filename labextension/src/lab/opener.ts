/**
 * Opens recordings in the player, each once.
 */

import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';

import type { Library } from '../library/library';
import { shownName } from '../library/recording';
import { short } from '../panel/cards';
import { replayIcon } from './icons';
import { CommandIDs, ILibrary } from './tokens';
import { linked } from './view';
import type { RecordingView } from './view';

type Opened = MainAreaWidget<RecordingView>;

const DELETED = 'This recording was deleted. What is shown here is kept until you close it.';

class Opener {
  readonly tracker = new WidgetTracker<Opened>({ namespace: 'jupyter-recorder' });
  private readonly ids = new WeakMap<Opened, string>();

  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly library: Library,
    /** Where a page has one document and no more (Notebook 7), replays go below it. */
    private readonly area: string
  ) {
    library.removed.connect((_, id) => this.find(id)?.content.tell(DELETED));
    library.changed.connect(() => this.tracker.forEach(widget => this.label(widget)));
  }

  /** @param at Unix ms; undefined: from the beginning */
  open(id: string, at?: number): void {
    const open = this.find(id);
    if (open === undefined) {
      this.add(id, this.seconds(id, at));
    } else if (at !== undefined) {
      open.content.seek(this.seconds(id, at) ?? 0);
    }
    this.app.shell.activateById(nameOf(id));
  }

  idOf(widget: Opened): string {
    return this.ids.get(widget) ?? '';
  }

  private add(id: string, start: number | undefined): void {
    const content = linked(id, short(this.nameOf(id)), start === undefined ? {} : { start });
    content.toggleClass('jr-below', this.area === 'down');
    const widget: Opened = new MainAreaWidget({ content });
    widget.toolbar.hide();
    widget.id = nameOf(id);
    widget.title.icon = replayIcon;
    widget.title.closable = true;
    this.ids.set(widget, id);
    this.label(widget);
    this.app.shell.add(widget, this.area, { activate: true });
    void this.tracker.add(widget);
  }

  private seconds(id: string, at: number | undefined): number | undefined {
    const recording = this.library.shelf.get(id);
    return at === undefined || recording === undefined ? undefined : Math.max(0, at - recording.startedAt) / 1000;
  }

  private find(id: string): Opened | undefined {
    return this.tracker.find(widget => widget.id === nameOf(id));
  }

  private label(widget: Opened): void {
    const id = this.idOf(widget);
    widget.title.label = short(this.nameOf(id), 60);
    widget.title.caption = id;
  }

  private nameOf(id: string): string {
    const recording = this.library.shelf.get(id);
    return recording === undefined ? id : shownName(recording);
  }
}

function nameOf(id: string): string {
  return `jupyter-recorder-${id}`;
}

export const openerPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-recorder:player',
  description: 'Opens recordings in the player.',
  autoStart: true,
  requires: [ILibrary],
  optional: [ILabShell, ILayoutRestorer],
  activate: (app: JupyterFrontEnd, library: Library, lab: ILabShell | null, restorer: ILayoutRestorer | null) => {
    const opener = new Opener(app, library, lab === null ? 'down' : 'main');
    app.commands.addCommand(CommandIDs.open, {
      label: 'Open in the Player',
      icon: replayIcon,
      describedBy: {
        args: { type: 'object', required: ['id'], properties: { id: { type: 'string' }, at: { type: 'number', description: 'Unix ms' } } }
      },
      execute: ({ id, at }) => opener.open(String(id), typeof at === 'number' ? at : undefined)
    });
    if (restorer !== null) {
      void restorer.restore(opener.tracker, {
        command: CommandIDs.open,
        name: widget => opener.idOf(widget),
        args: widget => ({ id: opener.idOf(widget) })
      });
    }
  }
};
