/**
 * A record button on every terminal, a command for the current one, and a red dot on the tab of what is recorded.
 */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import type { MainAreaWidget } from '@jupyterlab/apputils';
import { ITerminalTracker } from '@jupyterlab/terminal';
import type { ITerminal } from '@jupyterlab/terminal';
import { CommandToolbarButton } from '@jupyterlab/ui-components';

import type { Library } from '../library/library';
import { recordIcon, stopIcon } from './icons';
import type { ReadSettings } from './settings';
import { markTab } from './tabs';
import { CommandIDs, ILibrary, IRecorderSettings } from './tokens';
import { told } from './trouble';

type TerminalDocument = MainAreaWidget<ITerminal.ITerminal>;

class Terminals {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly tracker: ITerminalTracker,
    private readonly library: Library,
    private readonly settings: ReadSettings
  ) {
    tracker.forEach(widget => this.take(widget, false));
    tracker.widgetAdded.connect((_, widget) => this.take(widget, true));
    library.changed.connect(() => this.show());
  }

  /** The terminal that a command names, else the current one. */
  named(name: unknown): string {
    return typeof name === 'string' ? name : (this.tracker.currentWidget?.content.session.name ?? '');
  }

  isRecorded(name: string): boolean {
    return this.library.terminals.has(name);
  }

  async toggle(name: string): Promise<void> {
    const { library } = this;
    const wanted = await this.settings();
    await (this.isRecorded(name)
      ? told('The recording was not ended', () => library.stopTerminal(name))
      : told('The terminal is not recorded', () => library.recordTerminal(name, { ...wanted, input: wanted.recordInput })));
  }

  private take(widget: TerminalDocument, isNew: boolean): void {
    const { commands } = this.app;
    const args = { terminal: widget.content.session.name };
    widget.toolbar.addItem('record', new CommandToolbarButton({ commands, id: CommandIDs.recordTerminal, args }));
    this.show();
    if (isNew) {
      void this.recordByItself(args.terminal);
    }
  }

  private async recordByItself(name: string): Promise<void> {
    const { recordTerminals } = await this.settings();
    if (recordTerminals && !this.isRecorded(name)) {
      await this.toggle(name);
    }
  }

  private show(): void {
    this.tracker.forEach(widget => markTab(widget, this.isRecorded(widget.content.session.name)));
    this.app.commands.notifyCommandChanged(CommandIDs.recordTerminal);
  }
}

export const terminalsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-recorder:terminals',
  description: 'Records terminals.',
  autoStart: true,
  requires: [ILibrary, IRecorderSettings, ITerminalTracker],
  optional: [ICommandPalette],
  activate: (app: JupyterFrontEnd, library: Library, settings: ReadSettings, tracker: ITerminalTracker, palette: ICommandPalette | null) => {
    const terminals = new Terminals(app, tracker, library, settings);
    const recorded = (name: unknown): boolean => terminals.isRecorded(terminals.named(name));
    app.commands.addCommand(CommandIDs.recordTerminal, {
      label: ({ terminal }) => (recorded(terminal) ? 'Stop Recording This Terminal' : 'Record This Terminal'),
      caption: ({ terminal }) =>
        recorded(terminal) ? 'Stop recording: what was recorded is kept' : 'Record all that this terminal shows, on the Jupyter server',
      icon: ({ terminal }) => (recorded(terminal) ? stopIcon : recordIcon),
      isToggled: ({ terminal }) => recorded(terminal),
      isEnabled: ({ terminal }) => terminals.named(terminal) !== '',
      describedBy: { args: { type: 'object', properties: { terminal: { type: 'string', description: 'The terminal\'s name' } } } },
      execute: ({ terminal }) => terminals.toggle(terminals.named(terminal))
    });
    tracker.currentChanged.connect(() => app.commands.notifyCommandChanged(CommandIDs.recordTerminal));
    palette?.addItem({ command: CommandIDs.recordTerminal, category: 'Recorder' });
  }
};
