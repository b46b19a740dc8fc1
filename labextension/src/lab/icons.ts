/**
 * The icons that JupyterLab shows for recordings; they take the theme's colours.
 */

import { LabIcon } from '@jupyterlab/ui-components';

function drawn(name: string, body: string): LabIcon {
  const svgstr = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16">${body}</svg>`;
  return new LabIcon({ name: `jupyter-recorder:${name}`, svgstr });
}

/** A ring around a disc: recordings. */
export const recordingsIcon = drawn(
  'recordings',
  '<circle class="jp-icon3" cx="8" cy="8" r="3.4" fill="#616161"/>' +
    '<path class="jp-icon3" fill="#616161" d="M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm0 1.4a5.6 5.6 0 1 1 0 11.2A5.6 5.6 0 0 1 8 2.4z"/>'
);

/** A red disc: press it to record, or it is being recorded. */
export const recordIcon = drawn('record', '<circle class="jr-red" cx="8" cy="8" r="5" fill="#d32f2f"/>');

/** A red square: press it to stop. */
export const stopIcon = drawn('stop', '<rect class="jr-red" x="3.5" y="3.5" width="9" height="9" rx="1" fill="#d32f2f"/>');

/** A triangle: a replay. */
export const replayIcon = drawn('replay', '<path class="jp-icon3" fill="#616161" d="M4 2.2v11.6L13.5 8z"/>');
