/**
 * What can be done with a recording: name and tag it, export, copy, recover, delete.
 */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Clipboard, Dialog, ICommandPalette, InputDialog, Notification, showDialog } from '@jupyterlab/apputils';

import type { Library } from '../library/library';
import { isCrashed, isLive, shownName } from '../library/recording';
import type { Recording } from '../library/recording';
import { short } from '../panel/cards';
import { CELLS, replayCell } from '../panel/cell';
import { EXPORT_FORMATS } from './export-formats';
import { LabelForm } from './label-form';
import { CommandIDs, ILibrary } from './tokens';
import { told } from './trouble';

class RecordingActions {
  constructor(private readonly library: Library) {}

  async label(recording: Recording): Promise<void> {
    const body = new LabelForm(recording);
    const { button, value } = await showDialog({
      title: 'Name, title and tags',
      body,
      buttons: [Dialog.cancelButton(), Dialog.okButton({ label: 'Save' })],
      focusNodeSelector: 'input'
    });
    if (button.accept && value !== null && Object.keys(value).length > 0) {
      await told('It keeps its name and tags', () => this.library.label(recording.id, value));
    }
  }

  async remove(recording: Recording): Promise<void> {
    const { button } = await showDialog({
      title: 'Delete this recording?',
      body: `"${short(shownName(recording))}" (${recording.id}) is deleted with all its files. This can't be undone.`,
      buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: 'Delete' })],
      defaultButton: 0
    });
    if (button.accept) {
      await told('It was not deleted', () => this.library.remove(recording.id));
    }
  }

  async export({ id }: Recording): Promise<void> {
    const { button, value } = await InputDialog.getItem({
      title: 'Export this recording',
      label: 'As',
      items: [...EXPORT_FORMATS.values()],
      okLabel: 'Export'
    });
    const format = [...EXPORT_FORMATS].find(([, words]) => words === value)?.[0];
    if (button.accept && format !== undefined) {
      await told('It was not exported', async () => download(await this.library.client.exported(id, format)));
    }
  }

  /** Puts a cell that has the replay as its output onto JupyterLab's clipboard. */
  async copyCell({ id }: Recording): Promise<void> {
    await told('It was not copied', async () => {
      const bundle = await this.library.client.bundle(id);
      const clipboard = Clipboard.getInstance();
      clipboard.clear();
      clipboard.setData(CELLS, [replayCell(id, bundle)]);
      Notification.success('Copied: paste it as a cell into any notebook. It replays without this server.');
    });
  }

  async recover(recordings: readonly Recording[]): Promise<void> {
    for (const { id } of recordings) {
      await told(`${id} was not recovered`, () => this.library.recover(id));
    }
  }
}

function download({ blob, name }: { blob: Blob; name: string }): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser has begun to read it by then, or asks the reader where to put it for as long as it takes.
  window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export const actionsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-recorder:actions',
  description: 'Names, tags, exports, recovers and deletes recordings.',
  autoStart: true,
  requires: [ILibrary],
  optional: [ICommandPalette],
  activate: ({ commands }: JupyterFrontEnd, library: Library, palette: ICommandPalette | null) => {
    const actions = new RecordingActions(library);
    const add = (command: string, label: string, act: (recording: Recording) => Promise<void> | void, may = (_: Recording) => true): void => {
      const found = (id: unknown): Recording | undefined => library.shelf.get(String(id));
      const allowed = (id: unknown): boolean => {
        const recording = found(id);
        return recording !== undefined && may(recording);
      };
      commands.addCommand(command, {
        label,
        isEnabled: ({ id }) => allowed(id),
        isVisible: ({ id }) => allowed(id),
        describedBy: { args: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } } },
        execute: ({ id }) => {
          const recording = found(id);
          return recording === undefined ? undefined : act(recording);
        }
      });
    };
    add(CommandIDs.rename, 'Rename and Tag…', recording => actions.label(recording));
    add(CommandIDs.export, 'Export…', recording => actions.export(recording));
    add(CommandIDs.copyCell, 'Copy as Embedded Cell', recording => actions.copyCell(recording));
    add(CommandIDs.recover, 'Recover', recording => actions.recover([recording]), isCrashed);
    add(CommandIDs.remove, 'Delete…', recording => actions.remove(recording), recording => !isLive(recording));
    commands.addCommand(CommandIDs.recoverAll, {
      label: 'Recover Crashed Recordings',
      isEnabled: () => library.shelf.all.some(isCrashed),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => actions.recover(library.shelf.all.filter(isCrashed))
    });
    library.changed.connect(() => commands.notifyCommandChanged(CommandIDs.recoverAll));
    palette?.addItem({ command: CommandIDs.recoverAll, category: 'Recorder' });
  }
};
