/**
 * What the reader has set: what is recorded by itself, and what is taken out.
 */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { IRecorderSettings } from './tokens';

export interface RecorderSettings {
  readonly recordTerminals: boolean;
  readonly recordInput: boolean;
  readonly recordNotebooks: boolean;
  /** Regular expressions. */
  readonly redactPatterns: readonly string[];
}

const OFF: RecorderSettings = { recordTerminals: false, recordInput: false, recordNotebooks: false, redactPatterns: [] };

/** The settings as they are now; resolves when they have been read. */
export type ReadSettings = () => Promise<RecorderSettings>;

function read({ composite }: ISettingRegistry.ISettings): RecorderSettings {
  const { recordTerminals, recordInput, recordNotebooks, redactPatterns } = composite;
  return {
    recordTerminals: recordTerminals === true,
    recordInput: recordInput === true,
    recordNotebooks: recordNotebooks === true,
    redactPatterns: Array.isArray(redactPatterns) ? redactPatterns.map(String) : []
  };
}

export const settingsPlugin: JupyterFrontEndPlugin<ReadSettings> = {
  id: 'jupyter-recorder:recorder',
  description: 'What is recorded by itself, and what is taken out.',
  autoStart: true,
  provides: IRecorderSettings,
  optional: [ISettingRegistry],
  activate: (_: JupyterFrontEnd, registry: ISettingRegistry | null) => {
    const loaded = registry?.load('jupyter-recorder:recorder').catch((error: unknown) => {
      console.warn('The recorder\'s settings can\'t be read: nothing is recorded by itself.', error);
      return null;
    });
    return async () => {
      const settings = await loaded;
      return settings ? read(settings) : OFF;
    };
  }
};
