/**
 * The theme of the page around: JupyterLab, Notebook and VS Code name it; elsewhere the system's is taken.
 */

import type { Theme } from './srcdoc';

export function pageTheme(): Theme {
  const { jpThemeLight: light, vscodeThemeKind: kind } = document.body.dataset;
  if (light !== undefined) {
    return light === 'true' ? 'light' : 'dark';
  }
  return kind === undefined ? 'auto' : kind.endsWith('light') ? 'light' : 'dark';
}
