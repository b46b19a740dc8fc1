/**
 * Puts the Recordings panel into the left side bar, with a menu for each recording.
 */

import { ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { Menu } from '@lumino/widgets';

import type { Library } from '../library/library';
import { RecordingsPanel } from '../panel/panel';
import type { PanelActions } from '../panel/panel';
import { recordingsIcon } from './icons';
import { CommandIDs, ILibrary } from './tokens';

const PANEL_ID = 'jupyter-recorder-panel';
const MENU = [CommandIDs.open, CommandIDs.rename, CommandIDs.export, CommandIDs.copyCell, CommandIDs.recover, CommandIDs.remove];

function actionsOf({ commands }: JupyterFrontEnd, menu: (id: string, anchor: HTMLElement) => void): PanelActions {
  const run = (command: string, id: string): boolean => {
    if (commands.isEnabled(command, { id })) {
      void commands.execute(command, { id });
    }
    return true;
  };
  return {
    open: ({ id }) => void run(CommandIDs.open, id),
    openAt: ({ recordingId, at }) => void commands.execute(CommandIDs.open, { id: recordingId, at }),
    menu: ({ id }, anchor) => menu(id, anchor),
    recoverAll: () => void commands.execute(CommandIDs.recoverAll),
    key: (id, event, anchor) => {
      switch (event.key) {
        case 'F2':
          return run(CommandIDs.rename, id);
        case 'Delete':
          return run(CommandIDs.remove, id);
        case 'ContextMenu':
          menu(id, anchor);
          return true;
        case 'F10':
          return event.shiftKey && (menu(id, anchor), true);
        default:
          return false;
      }
    }
  };
}

/** Opens the menu of a recording below an element of its row; closed, it gives the focus back. */
function menuOpener({ commands }: JupyterFrontEnd): (id: string, anchor: HTMLElement) => void {
  return (id, anchor) => {
    const menu = new Menu({ commands });
    menu.addClass('jr-actions');
    // No separators: in a menu of Lumino's, a screen reader meets them as children that don't belong there.
    for (const command of MENU) {
      if (commands.hasCommand(command) && commands.isVisible(command, { id })) {
        menu.addItem({ command, args: { id } });
      }
    }
    const focused = document.activeElement;
    menu.aboutToClose.connect(() => {
      if (focused instanceof HTMLElement && focused.isConnected) {
        focused.focus();
      }
    });
    const { left, bottom } = anchor.getBoundingClientRect();
    menu.open(left, bottom);
  };
}

export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-recorder:panel',
  description: 'Lists the recordings of the server.',
  autoStart: true,
  requires: [ILibrary],
  optional: [ICommandPalette, ILayoutRestorer],
  activate: (app: JupyterFrontEnd, library: Library, palette: ICommandPalette | null, restorer: ILayoutRestorer | null) => {
    const panel = new RecordingsPanel(library, actionsOf(app, menuOpener(app)));
    panel.id = PANEL_ID;
    panel.title.icon = recordingsIcon;
    panel.title.caption = 'Recordings';
    app.shell.add(panel, 'left', { rank: 550, type: 'Recordings' });
    restorer?.add(panel, PANEL_ID);
    app.commands.addCommand(CommandIDs.showPanel, {
      label: 'Show Recordings',
      caption: 'List what is, and what was recorded on this server',
      icon: recordingsIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => app.shell.activateById(PANEL_ID)
    });
    palette?.addItem({ command: CommandIDs.showPanel, category: 'Recorder' });
  }
};
