/**
 * Provides the server's recordings to all other parts.
 */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { recordingUrl } from '../api';
import { dropIndexes } from '../index-cache';
import { LibraryClient } from '../library/client';
import { Library } from '../library/library';
import { ILibrary } from './tokens';

/** What the browser keeps of recordings goes with them: at once, or when it is seen that they have gone. */
function dropWithRecordings(library: Library): void {
  const { settings } = library.client;
  library.removed.connect((_, id) => void dropIndexes(url => url.startsWith(`${recordingUrl(settings, id)}/`)));
  const dropGone = (): void => {
    if (library.complete) {
      library.changed.disconnect(dropGone);
      const all = recordingUrl(settings);
      const idOf = (url: string): string => url.slice(all.length).split('/', 1)[0]!;
      void dropIndexes(url => url.startsWith(all) && library.shelf.get(decodeURIComponent(idOf(url))) === undefined);
    }
  };
  library.changed.connect(dropGone);
}

export const libraryPlugin: JupyterFrontEndPlugin<Library> = {
  id: 'jupyter-recorder:library',
  description: 'Knows the recordings of the Jupyter server.',
  autoStart: true,
  provides: ILibrary,
  activate: (app: JupyterFrontEnd) => {
    const library = new Library(new LibraryClient(app.serviceManager.serverSettings));
    dropWithRecordings(library);
    // What others put into the page comes first.
    void app.restored.then(() => library.start());
    return library;
  }
};
