/**
 * What the extension adds to JupyterLab and Notebook besides the renderers (`mime.ts`), a plugin for each part.
 */

import { actionsPlugin } from './lab/actions';
import { documentsPlugin } from './lab/documents';
import { errorsPlugin } from './lab/errors';
import { libraryPlugin } from './lab/library';
import { notebooksPlugin } from './lab/notebooks';
import { openerPlugin } from './lab/opener';
import { panelPlugin } from './lab/panel';
import { settingsPlugin } from './lab/settings';
import { statusPlugin } from './lab/status';
import { terminalsPlugin } from './lab/terminals';

export default [
  libraryPlugin,
  settingsPlugin,
  openerPlugin,
  actionsPlugin,
  panelPlugin,
  terminalsPlugin,
  notebooksPlugin,
  errorsPlugin,
  documentsPlugin,
  statusPlugin
];
