/**
 * Recordings in files open in the player by double click: journals, with the terminals and payloads that lie beside
 * them, and `.cast` files, of which large ones are read by ranges.
 */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { TextModelFactory } from '@jupyterlab/docregistry';
import type { Contents } from '@jupyterlab/services';
import type { Widget } from '@lumino/widgets';

import { castReplay } from '../replay/source';
import { encode } from '../replay/srcdoc';
import { CastFileFeed } from './cast-file-feed';
import { FileFactory, said } from './file-document';
import { isJournal, namesIn } from './journal-file';
import { replayIcon } from './icons';
import { ServedFile } from './served-file';
import { RecordingView } from './view';

const UNREAD = 'recorder-file';

/** Of a model that reads nothing: the document fetches what it shows. */
class UnreadFactory extends TextModelFactory {
  override get name(): string {
    return UNREAD;
  }

  override get fileFormat(): Contents.FileFormat {
    return null;
  }
}

async function journalIn(context: DocumentRegistry.Context, contents: Contents.IManager): Promise<Widget> {
  const journal = context.model.toString();
  if (!isJournal(journal)) {
    return said('This file is no journal of jupyter-recorder\'s. "Open With" has other ways to look at it.');
  }
  const folder = context.path.replace(/[^/]*$/, '');
  const { casts, blobs } = namesIn(journal);
  const payload = {
    journal,
    casts: Object.fromEntries(await beside(contents, casts.map(name => [name, folder + name]))),
    blobs: Object.fromEntries((await beside(contents, blobs.map(name => [name, `${folder}blobs/${name}`]))).map(([name, text]) => [name, encode(text)]))
  };
  return new RecordingView({ data: encode(JSON.stringify(payload)), options: {}, title: 'Replay of a journal', height: 500 });
}

/** What there is of these files, each a name and a path; what is gone is shown as missing by the player. */
async function beside(contents: Contents.IManager, files: readonly (readonly [string, string])[]): Promise<[string, string][]> {
  const found = await Promise.all(
    files.map(async ([name, path]): Promise<[string, string][]> => {
      try {
        const { content } = await contents.get(path, { type: 'file', format: 'text', content: true });
        return [[name, String(content)]];
      } catch {
        return [];
      }
    })
  );
  return found.flat();
}

async function castIn({ path }: DocumentRegistry.Context, contents: Contents.IManager): Promise<Widget> {
  const file = await ServedFile.at(path, contents);
  const found = await file.find();
  if ('text' in found) {
    return new RecordingView(castReplay(found.text));
  }
  const name = path.replace(/^.*[/:]/, '');
  return new RecordingView({ feed: () => new CastFileFeed(file, found.size, found.etag, name), options: {}, title: 'Replay of a terminal', height: 500 });
}

export const documentsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-recorder:documents',
  description: 'Opens journals and asciicasts in the player.',
  autoStart: true,
  activate: ({ docRegistry, serviceManager: { contents } }: JupyterFrontEnd) => {
    docRegistry.addModelFactory(new UnreadFactory());
    docRegistry.addFileType({
      name: 'recorder-journal',
      displayName: 'Recording\'s journal',
      // A recording's own, and what the recorder exports: other NDJSON stays what it is.
      pattern: '(^session(\\.\\d+)?|-\\d{8}-\\d{6}(-\\d+)?|-[0-9a-f]{16})\\.ndjson$',
      fileFormat: 'text',
      contentType: 'file',
      mimeTypes: ['application/x-ndjson'],
      icon: replayIcon
    });
    docRegistry.addFileType({
      name: 'asciicast',
      displayName: 'Asciicast',
      extensions: ['.cast'],
      fileFormat: 'text',
      contentType: 'file',
      mimeTypes: ['application/x-asciicast'],
      icon: replayIcon
    });
    for (const [draw, name, type, modelName] of [
      [journalIn, 'Replay of a journal', 'recorder-journal', 'text'],
      [castIn, 'Replay', 'asciicast', UNREAD]
    ] as const) {
      const options = { name, label: 'Replay', fileTypes: [type], defaultFor: [type], modelName, readOnly: true };
      // JupyterLab declares its own optional properties in two ways.
      docRegistry.addWidgetFactory(new FileFactory(context => draw(context, contents), options) as DocumentRegistry.WidgetFactory);
    }
  }
};
