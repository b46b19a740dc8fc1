/**
 * Provides the server's recordings to all other parts.
 */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { LibraryClient } from '../library/client';
import { Library } from '../library/library';
import { ILibrary } from './tokens';

export const libraryPlugin: JupyterFrontEndPlugin<Library> = {
  id: 'jupyter-recorder:library',
  description: 'Knows the recordings of the Jupyter server.',
  autoStart: true,
  provides: ILibrary,
  activate: (app: JupyterFrontEnd) => {
    const library = new Library(new LibraryClient(app.serviceManager.serverSettings));
    // What others put into the page comes first.
    void app.restored.then(() => library.start());
    return library;
  }
};
