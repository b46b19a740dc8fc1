/** Takes a field as text: what is none counts as empty. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
