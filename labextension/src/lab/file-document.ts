/**
 * Documents that show a file in the player: drawn when it is opened, and again when it was loaded again.
 */

import { ABCWidgetFactory, DocumentWidget } from '@jupyterlab/docregistry';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { Panel, Widget } from '@lumino/widgets';

import { replayIcon } from './icons';

type Context = DocumentRegistry.Context;

/** Gives what stands in the document; what it rejects with is told instead. */
export type Draw = (context: Context) => Promise<Widget>;

class FileDocument extends Panel {
  constructor(
    private readonly context: Context,
    private readonly content: Draw
  ) {
    super();
    this.addClass('jr-file');
    void context.ready.then(() => {
      void this.draw();
      context.fileChanged.connect(() => void this.draw());
    });
  }

  private async draw(): Promise<void> {
    const content = await this.content(this.context).catch(error => said(`This file can't be shown. ${error instanceof Error ? error.message : String(error)}`));
    if (!this.isDisposed) {
      this.widgets.slice().forEach(widget => widget.dispose());
      this.addWidget(content);
    }
  }
}

export function said(sentence: string): Widget {
  const widget = new Widget();
  widget.addClass('jr-said');
  widget.node.textContent = sentence;
  return widget;
}

export class FileFactory extends ABCWidgetFactory<DocumentWidget<Panel>> {
  constructor(
    private readonly content: Draw,
    options: DocumentRegistry.IWidgetFactoryOptions
  ) {
    super(options);
  }

  protected createNewWidget(context: Context): DocumentWidget<Panel> {
    const widget = new DocumentWidget({ content: new FileDocument(context, this.content), context });
    widget.toolbar.hide();
    widget.title.icon = replayIcon;
    return widget;
  }
}
