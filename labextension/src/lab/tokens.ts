/**
 * What the parts of the extension share, and other extensions may ask for.
 */

import { Token } from '@lumino/coreutils';

import type { Library } from '../library/library';
import type { ReadSettings } from './settings';

/** The ids of the commands; each takes the recording's `id`. */
export const CommandIDs = {
  /** `at` in Unix ms is where to begin. */
  open: 'jupyter-recorder:open',
  rename: 'jupyter-recorder:rename',
  export: 'jupyter-recorder:export',
  copyCell: 'jupyter-recorder:copy-cell',
  recover: 'jupyter-recorder:recover',
  recoverAll: 'jupyter-recorder:recover-all',
  remove: 'jupyter-recorder:delete',
  showPanel: 'jupyter-recorder:show-recordings',
  recordTerminal: 'jupyter-recorder:record-terminal',
  recordNotebook: 'jupyter-recorder:record-notebook',
  showError: 'jupyter-recorder:show-error'
} as const;

export const ILibrary = new Token<Library>('jupyter-recorder:ILibrary', 'The recordings of the Jupyter server.');

export const IRecorderSettings = new Token<ReadSettings>('jupyter-recorder:ISettings', 'What is recorded by itself, and what is taken out.');
