/**
 * What a recording can be exported to, by the server's names for it.
 */

export const EXPORT_FORMATS: ReadonlyMap<string, string> = new Map([
  ['html', 'Page that replays offline (.html)'],
  ['notebook', 'Notebook that runs (.ipynb)'],
  ['markdown', 'Document (.md)'],
  ['text', 'Plain text (.txt)'],
  ['asciicast-v2', 'Terminal for asciinema 2 (.cast)'],
  ['asciicast-v3', 'Terminal for asciinema 3 (.cast)'],
  ['bash', 'Shell script of its commands (.sh)'],
  ['chat', 'Chat for jupyterlab-chat (.chat)'],
  ['otel', 'OpenTelemetry GenAI JSON'],
  ['ndjson', 'Journal (.ndjson)']
]);
