/**
 * Records notebooks from JupyterLab: a command for the current one, and a red dot on its tab while its kernel records.
 */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';

import type { Library } from '../library/library';
import { recordIcon, stopIcon } from './icons';
import { STOP_CODE, startCode } from './kernel-code';
import type { ReadSettings } from './settings';
import { markTab } from './tabs';
import { CommandIDs, ILibrary, IRecorderSettings } from './tokens';
import { told } from './trouble';

class Notebooks {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly tracker: INotebookTracker,
    private readonly library: Library,
    private readonly settings: ReadSettings
  ) {
    tracker.forEach(panel => this.take(panel));
    tracker.widgetAdded.connect((_, panel) => this.take(panel));
    library.changed.connect(() => this.show());
  }

  get kernel(): Kernel.IKernelConnection | null {
    return this.tracker.currentWidget?.sessionContext.session?.kernel ?? null;
  }

  get isRecorded(): boolean {
    return this.kernel !== null && this.library.ofKernel(this.kernel.id) !== undefined;
  }

  async toggle(): Promise<void> {
    const { kernel, tracker } = this;
    if (kernel === null || tracker.currentWidget === null) {
      return;
    }
    if (this.isRecorded) {
      await told('The recording was not ended', () => run(kernel, STOP_CODE));
    } else {
      await this.start(kernel, tracker.currentWidget.context.path);
    }
  }

  private async start(kernel: Kernel.IKernelConnection, path: string): Promise<void> {
    const { redactPatterns } = await this.settings();
    await told('The notebook is not recorded', () => run(kernel, startCode(path, redactPatterns)));
  }

  private take(panel: NotebookPanel): void {
    const { sessionContext } = panel;
    sessionContext.kernelChanged.connect((_, { newValue: kernel }) => {
      this.show();
      if (kernel !== null) {
        void this.recordByItself(kernel, panel.context.path);
      }
    });
    // After a restart it is another process, under the same id.
    sessionContext.statusChanged.connect((_, status) => {
      if (status === 'autorestarting' || status === 'restarting') {
        const kernel = sessionContext.session?.kernel;
        void kernel?.info.then(() => this.recordByItself(kernel, panel.context.path));
      }
    });
    this.show();
  }

  private async recordByItself(kernel: Kernel.IKernelConnection, path: string): Promise<void> {
    const { recordNotebooks } = await this.settings();
    if (!recordNotebooks || this.library.ofKernel(kernel.id) !== undefined) {
      return;
    }
    const { language_info: language } = await kernel.info;
    if (language.name === 'python') {
      await this.start(kernel, path);
    } else {
      Notification.info(`This notebook is not recorded: its kernel runs ${language.name}, not Python.`);
    }
  }

  private show(): void {
    this.tracker.forEach(panel => {
      const kernel = panel.sessionContext.session?.kernel;
      markTab(panel, kernel !== null && kernel !== undefined && this.library.ofKernel(kernel.id) !== undefined);
    });
    this.app.commands.notifyCommandChanged(CommandIDs.recordNotebook);
  }
}

/** Runs code beside the cells: it has no number and is in no history. Rejects with what the kernel says. */
async function run(kernel: Kernel.IKernelConnection, code: string): Promise<void> {
  const said: string[] = [];
  const future = kernel.requestExecute({ code, silent: true, store_history: false, stop_on_error: false });
  future.onIOPub = ({ content }) => {
    if ('text' in content && typeof content.text === 'string') {
      said.push(content.text);
    }
  };
  const { content } = await future.done;
  if (content.status !== 'ok') {
    throw new Error('evalue' in content ? `${content.ename}: ${content.evalue}` : 'the kernel did not answer');
  }
  // The magic's own refusals are lines, not exceptions.
  const line = said.join('').trim();
  if (/already|NOT |can't|error/i.test(line)) {
    Notification.warning(line);
  }
}

export const notebooksPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-recorder:notebooks',
  description: 'Records notebooks.',
  autoStart: true,
  requires: [ILibrary, IRecorderSettings, INotebookTracker],
  optional: [ICommandPalette],
  activate: (app: JupyterFrontEnd, library: Library, settings: ReadSettings, tracker: INotebookTracker, palette: ICommandPalette | null) => {
    const notebooks = new Notebooks(app, tracker, library, settings);
    app.commands.addCommand(CommandIDs.recordNotebook, {
      label: () => (notebooks.isRecorded ? 'Stop Recording This Notebook' : 'Record This Notebook'),
      caption: 'Record the cells that run in this notebook\'s kernel, with all that they show',
      icon: () => (notebooks.isRecorded ? stopIcon : recordIcon),
      isToggled: () => notebooks.isRecorded,
      isEnabled: () => notebooks.kernel !== null,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => notebooks.toggle()
    });
    tracker.currentChanged.connect(() => app.commands.notifyCommandChanged(CommandIDs.recordNotebook));
    palette?.addItem({ command: CommandIDs.recordNotebook, category: 'Recorder' });
  }
};
