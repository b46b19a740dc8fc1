/**
 * From a cell's error to its moment in the recording of the notebook.
 */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';

import type { Library } from '../library/library';
import { replayIcon } from './icons';
import { momentOfError } from './moment-of-error';
import type { CellError } from './moment-of-error';
import { CommandIDs, ILibrary } from './tokens';
import { told } from './trouble';

// So many recordings are looked into, the likely ones first.
const MOST = 10;

class Errors {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly tracker: INotebookTracker,
    private readonly library: Library
  ) {}

  /** The error that the current cell shows. */
  get current(): CellError | null {
    const model = this.tracker.activeCell?.model;
    const outputs = model?.type === 'code' ? (model.toJSON().outputs as unknown) : [];
    const error = (Array.isArray(outputs) ? (outputs as Record<string, unknown>[]) : []).find(one => one.output_type === 'error');
    return model === undefined || error === undefined
      ? null
      : { cellId: model.id, name: String(error.ename), value: String(error.evalue) };
  }

  async show(): Promise<void> {
    const error = this.current;
    if (error === null) {
      return;
    }
    await told('The error was not found', async () => {
      for (const id of await this.likely(error)) {
        const at = momentOfError(await this.library.client.journal(id), error);
        if (at !== null) {
          await this.app.commands.execute(CommandIDs.open, { id, at });
          return;
        }
      }
      Notification.info('No recording has this error: the notebook was not recorded when the cell ran.');
    });
  }

  /** Those of the notebook's kernel, then those in which such an error is found. */
  private async likely({ name, value }: CellError): Promise<string[]> {
    const kernelId = this.tracker.currentWidget?.sessionContext.session?.kernel?.id;
    const own = this.library.shelf.all.filter(one => kernelId !== undefined && one.kernelId === kernelId).map(({ id }) => id);
    const { hits } = await this.library.client.search(`${name} ${value}`.slice(0, 200), 50);
    return [...new Set([...own, ...hits.map(({ recordingId }) => recordingId)])].slice(0, MOST);
  }
}

export const errorsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-recorder:errors',
  description: 'Shows the moment of a cell\'s error in its recording.',
  autoStart: true,
  requires: [ILibrary, INotebookTracker],
  optional: [ICommandPalette],
  activate: (app: JupyterFrontEnd, library: Library, tracker: INotebookTracker, palette: ICommandPalette | null) => {
    const errors = new Errors(app, tracker, library);
    app.commands.addCommand(CommandIDs.showError, {
      label: 'Show This Error in Its Recording',
      caption: 'Open the recording at the moment when this cell failed',
      icon: replayIcon,
      isEnabled: () => errors.current !== null,
      isVisible: () => errors.current !== null,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => errors.show()
    });
    palette?.addItem({ command: CommandIDs.showError, category: 'Recorder' });
  }
};
