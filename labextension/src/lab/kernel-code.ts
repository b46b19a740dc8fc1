/**
 * What is run in a kernel to record its notebook. It leaves no name behind, and shows nothing.
 */

/** Python that begins a recording named after a notebook; what `redactPatterns` match is taken out, too. */
export function startCode(path: string, redactPatterns: readonly string[]): string {
  return alone(
    `import json
ip = get_ipython()
ip.run_line_magic('load_ext', 'jupyter_recorder') if 'jupyter_recorder' not in ip.extension_manager.loaded else None
magics = ip.magics_manager.registry['RecorderMagics']
magics.redact_patterns = list(dict.fromkeys([*magics.redact_patterns, *json.loads(${python(JSON.stringify(redactPatterns))})]))
ip.run_line_magic('record', 'start ' + ${python(nameOf(path))})`
  );
}

export const STOP_CODE = alone(`get_ipython().run_line_magic('record', 'stop')`);

/** A name for a recording that the magic takes as one word. */
export function nameOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.ipynb$/, '');
  return name.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[-.]+/, '').slice(0, 60) || 'notebook';
}

function alone(code: string): string {
  return `exec(${python(code)}, {'get_ipython': get_ipython})`;
}

/** A text as a literal of Python's: JSON's strings are such, but for surrogates, which can't stand alone there. */
function python(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
