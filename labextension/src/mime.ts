/**
 * Renders recordings and asciicasts in outputs of notebooks, also untrusted ones, in JupyterLab and Notebook. (Files open
 * by `lab/documents.ts`.)
 */

import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

import { ReplayWidget } from './replay/widget';
import { castReplay, recordingReplay } from './replay/source';

const RECORDING_TYPE = 'application/vnd.jupyter-recorder.v1+json';
const CAST_TYPE = 'application/x-asciicast';

const extensions: IRenderMime.IExtension[] = [
  {
    id: 'jupyter-recorder:recording',
    description: 'Replays a recording.',
    rendererFactory: {
      // All that is shown lives in a sandboxed frame without an origin.
      safe: true,
      mimeTypes: [RECORDING_TYPE],
      createRenderer: () => new ReplayWidget(data => recordingReplay(data[RECORDING_TYPE]))
    },
    // Before text/html (50), which holds the same replay for other front ends.
    rank: 40,
    dataType: 'json'
  },
  {
    id: 'jupyter-recorder:asciicast',
    description: 'Replays an asciicast.',
    rendererFactory: {
      safe: true,
      mimeTypes: [CAST_TYPE],
      createRenderer: () => new ReplayWidget(data => castReplay(data[CAST_TYPE]))
    },
    rank: 45,
    dataType: 'string'
  }
];

export default extensions;
